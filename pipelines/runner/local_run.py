"""Run the pipeline once on this machine: load the task, run the nodes, fill in the record."""

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from absl import logging
from rich.console import Console

from components.candidate_serving.standby import Standby
from pipelines.config import PipelineConfig
from pipelines.explain import explain
from pipelines.nodes import TRAINER, TRANSFORM
from pipelines.options import RunOptions
from pipelines.runner import launch, node_summary
from pipelines.runner.capacity import processes_at_once
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.metadata_cleanup import clear_interrupted_executions
from pipelines.runner.node_process import Fork, Forks, has_computed
from pipelines.runner.outcome import read_results, record_outcome
from pipelines.runner.preparation import clear_leftovers, compile_run, list_pushed_versions, prepare_run
from pipelines.runner.progress import show_progress
from pipelines.runner.summary import Summary
from pipelines.runner.vocabulary_coverage import measure_vocabularies
from pipelines.task_check.preprocessing import check_preprocessing
from pipelines.task_definition.task import Task, load_task

if TYPE_CHECKING:
    from pipelines.modeling.vocabularies import Coverage

_Value = TypeVar("_Value")


def run_pipeline(options: RunOptions, console: Console, summary: Summary) -> None:
    """Run the pipeline, and fill in the summary. The failure of a node is in the summary and raises nothing.

    Args:
        options: the options of the command line.
        console: the terminal.
        summary: has what is known before the run; the rest is filled in.

    Raises:
        KeyboardInterrupt: Ctrl-C; what the interrupted node had written is removed.
        Exception: The run could not begin, for example without data, or with a preprocessing_fn that does not fit the
            contract.
    """
    logging.set_verbosity(logging.INFO)
    task = load_task(options.task)
    config = prepare_run(options, task, console, summary)
    pushed_before = list_pushed_versions(config)
    clear_leftovers(config, console)
    try:
        with config.engine.session():
            _run_nodes(config, options, console, summary)
    except KeyboardInterrupt:
        clear_interrupted_executions(config.metadata, config.var / "artifacts")
        raise
    finally:
        read_results(summary, config)
    conclude(options, config, pushed_before, console, summary)


def conclude(
    options: RunOptions, config: PipelineConfig, pushed_before: set[int], console: Console, summary: Summary
) -> None:
    """Record the outcome after all nodes have ended. First train an experiment's seeds, unless a node failed."""
    if options.seeds is not None and all(result.error is None for result in summary.nodes):
        _train_seeds(options.seeds, config, console, summary)
    record_outcome(summary, config, pushed_before)


def _train_seeds(seeds: int, config: PipelineConfig, console: Console, summary: Summary) -> None:
    """Train an experiment with several seeds. Call it after all nodes: it computes, and no fork may follow."""
    from pipelines.runner.seeds import train_seeds  # Imported here: other runs do not need the search's libraries.

    assert summary.experiment is not None  # RunOptions requires it.
    directory = config.var / "runs" / summary.run_id
    scores = train_seeds(config, summary.results[TRANSFORM], seeds, directory, console)
    summary.experiment = dataclasses.replace(summary.experiment, seeds=scores)


def _run_nodes(config: PipelineConfig, options: RunOptions, console: Console, summary: Summary) -> None:
    at_once = _limit_at_once(options, console)
    _check(config.task, at_once)
    compiled = compile_run(config, summary.run_id)
    nodes = [node.pipeline_node.node_info.id for node in compiled.nodes]
    ledger = ArtifactDigests(config.artifacts)
    standby, measurements = contextlib.ExitStack(), Forks()
    wait_for_vocabularies: Callable[[], dict[str, Coverage]] | None = None

    def prepare_gates(node: str) -> None:
        if node == TRAINER and sys.platform == "linux":  # Trainer leaves a core idle, and SkewGate runs next.
            standby.enter_context(Standby())

    with (
        standby,
        measurements,
        show_progress(console, nodes, live=console.is_terminal and not options.verbose) as shown,
        contextlib.closing(
            launch.run_nodes(compiled, ledger, shown.started, at_once=at_once, on_fork=prepare_gates)
        ) as ended,
    ):
        for result in ended:
            described = dataclasses.replace(result, summary=node_summary.summarise_node(result, summary.results))
            summary.nodes.append(described)
            summary.nodes.sort(key=lambda one: nodes.index(one.node))
            shown.finished(described)
            if result.error is not None:
                summary.fail(f"{result.node}: {explain(result.error)}")
            if result.node == TRANSFORM and result.outputs and config.task.vocabularies:
                measure = functools.partial(measure_vocabularies, summary.results, config.task)
                if at_once == 1:
                    summary.vocabularies = measure()
                else:
                    wait_for_vocabularies = measurements.start(measure)
            elif wait_for_vocabularies is not None:  # Another node ran during the measurement.
                summary.vocabularies, wait_for_vocabularies = wait_for_vocabularies(), None
        if wait_for_vocabularies is not None:
            summary.vocabularies = wait_for_vocabularies()


def _check(task: Task, at_once: int) -> None:
    """Check the task's preprocessing_fn before Beam starts; it takes a quarter of a second.

    Raises:
        PreprocessingError: It has a mistake.
    """

    def check() -> None:
        check_preprocessing(task)

    check() if at_once == 1 else _call_in_fork(check)


def _limit_at_once(options: RunOptions, console: Console) -> int:
    """Return how many nodes may run at the same time; print why it is one if the task's code does not allow more."""
    at_once = processes_at_once(options)
    if at_once > 1 and has_computed():
        console.print(
            "one node at a time: a module of the task computes with TensorFlow when it is imported, and such a process "
            "cannot be forked; move what makes tensors or layers into functions",
            soft_wrap=True,
        )
        return 1
    return at_once


def _call_in_fork(function: Callable[[], _Value]) -> _Value:
    """Call a function that computes with TensorFlow in a fork, since this process could not be forked afterwards."""
    fork = Fork(function)
    try:
        fork.start()
        return fork.result()
    finally:
        fork.kill()
