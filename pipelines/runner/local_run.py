"""One local run, from the options to the verdicts: loads the task, runs the nodes, fills in the record."""

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping
from typing import TypeVar

import tensorflow_transform as tft
from absl import logging
from rich.console import Console
from tfx.orchestration.pipeline import Pipeline

from components.anomaly_gate import component as anomaly_gate
from components.csv_example_gen import executor as checked_csv
from components.csv_example_gen.csv_files import find_unread
from components.evaluator import component as evaluator
from components.pushed_models import name_models
from components.pusher import executor as atomic_pusher
from components.pusher.versions import list_versions, newest_version
from components.skew_gate import component as skew_gate
from components.source_digest import source_digest
from pipelines.comparison import component as better_gate
from pipelines.config import PipelineConfig
from pipelines.evaluation.comparison_words import comparison_as_record
from pipelines.evaluation.tfma_results import slice_metrics
from pipelines.explain import explain
from pipelines.modeling.vocabularies import Coverage, measure_coverage
from pipelines.nodes import BETTER_GATE, EVALUATOR, EXAMPLE_GEN, PUSHER, TRAIN, TRAINER, TRANSFORM
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.review.state import read_review_state
from pipelines.runner import launch, node_summary, verdicts
from pipelines.runner.capacity import nodes_at_once
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.metadata_cleanup import (
    clear_interrupted_executions,
    invalidate_displaced_pushes,
    open_metadata_store,
)
from pipelines.runner.node_process import Fork, has_computed
from pipelines.runner.progress import show_progress
from pipelines.runner.results import FAILED, SKIPPED, NodeResult
from pipelines.runner.summary import EXPERIMENT, PUSHED, REFUSED, TIE, UNCHANGED, Summary
from pipelines.task_check.preprocessing import check_preprocessing
from pipelines.task_definition.task import Task, load_task
from pipelines.task_definition.task_files import task_file_digests
from pipelines.training import create_pipeline

_Value = TypeVar("_Value")


def run_pipeline(options: RunOptions, console: Console, summary: Summary) -> None:
    """Runs the pipeline and fills in the summary; a node that fails is part of it.

    Args:
        options: the command line.
        console: the terminal.
        summary: with what is known before the run.

    Raises:
        KeyboardInterrupt: Ctrl-C; what the interrupted node had begun to write is gone.
        Exception: The run could not begin, such as without data, or with a preprocessing_fn that does not fit the
            contract.
    """
    logging.set_verbosity(logging.INFO)
    task = load_task(options.task)
    summary.task = task.name
    summary.source_digest = source_digest(
        task.preprocessing_fn,
        task.run_fn,
        checked_csv,
        anomaly_gate,
        evaluator,
        better_gate,
        skew_gate,
        atomic_pusher,
    )
    summary.task_files = task_file_digests(task)
    summary.review, summary.review_required = read_review_state(task), options.require_review
    config = resolve(options, task)
    summary.data = str(config.data) if config.data else f"spans {options.spans}"
    # By each run, not by ExampleGen: a file that is not read does not make it run again.
    summary.unread_files = find_unread(config.data) if config.data else []
    if summary.unread_files:
        console.print(f"not read: {', '.join(summary.unread_files)}", soft_wrap=True)
    pushed_before = set(list_versions(config.serving)) if config.serving.is_dir() else set()
    if cleared := clear_interrupted_executions(config.metadata, config.var / "artifacts"):
        console.print(f"cleared what an interrupted run left: {', '.join(cleared)}")
    invalidate_displaced_pushes(config.metadata, config.artifacts)
    try:
        with config.engine.session():
            _run_nodes(create_pipeline(config), config, options, console, summary)
    except KeyboardInterrupt:
        clear_interrupted_executions(config.metadata, config.var / "artifacts")
        raise
    finally:
        _read_results(summary, config)
    if options.seeds is not None and all(result.error is None for result in summary.nodes):
        _train_seeds(options.seeds, config, console, summary)
    _record_outcome(summary, config, pushed_before)


def _train_seeds(seeds: int, config: PipelineConfig, console: Console, summary: Summary) -> None:
    """Train an experiment with several seeds, once every node has ended: this process may compute then."""
    from pipelines.runner.seeds import train_seeds  # Imported here: the search's libraries are wanted for this alone.

    assert summary.experiment is not None  # RunOptions saw to it.
    directory = config.var / "runs" / summary.run_id
    scores = train_seeds(config, _index_by_node(summary)[TRANSFORM], seeds, directory, console)
    summary.experiment = dataclasses.replace(summary.experiment, seeds=scores)


def _run_nodes(
    pipeline: Pipeline, config: PipelineConfig, options: RunOptions, console: Console, summary: Summary
) -> None:
    at_once = _limit_at_once(options, console)
    _check(config.task, at_once)
    compiled = launch.compile_pipeline(pipeline, summary.run_id)
    if config.experiment is not None:
        launch.join_experiment(compiled, config.experiment)
    nodes = [node.pipeline_node.node_info.id for node in compiled.nodes]
    ledger = ArtifactDigests(config.artifacts)
    with (
        show_progress(console, nodes, live=console.is_terminal and not options.verbose) as shown,
        contextlib.closing(launch.run_nodes(compiled, ledger, shown.started, at_once=at_once)) as ended,
    ):
        for result in ended:
            described = dataclasses.replace(
                result, summary=node_summary.summarise_node(result, _index_by_node(summary))
            )
            summary.nodes.append(described)
            summary.nodes.sort(key=lambda one: nodes.index(one.node))
            if result.node == TRANSFORM and result.outputs and config.task.vocabularies:
                results = _index_by_node(summary)
                measure = functools.partial(_measure_vocabularies, results, config.task)
                summary.vocabularies = measure() if at_once == 1 else _call_in_fork(measure)
            shown.finished(described)
            if result.error is not None:
                summary.fail(f"{result.node}: {explain(result.error)}")


def _check(task: Task, at_once: int) -> None:
    """Look for mistakes in the task's preprocessing_fn: before Beam starts, and in a quarter of a second.

    Raises:
        PreprocessingError: There is one.
    """

    def check() -> None:
        check_preprocessing(task)

    check() if at_once == 1 else _call_in_fork(check)


def _limit_at_once(options: RunOptions, console: Console) -> int:
    """Returns how many nodes may run at the same time; says why it is one where the task leaves no choice."""
    # The jobs of a cluster are looked after over gRPC, whose threads are not there in a fork.
    at_once = options.at_once or (nodes_at_once() if options.engine == "local" else 1)
    if at_once > 1 and has_computed():
        console.print(
            "one node at a time: a module of the task computes with TensorFlow when it is imported, and such a process "
            "cannot be forked; move what makes tensors or layers into functions",
            soft_wrap=True,
        )
        return 1
    return at_once


def _call_in_fork(function: Callable[[], _Value]) -> _Value:
    """Calls a function that computes with TensorFlow, which this process must not do if it forks later."""
    fork = Fork(function)
    try:
        fork.start()
        return fork.result()
    finally:
        fork.kill()


def _measure_vocabularies(results: Mapping[str, NodeResult], task: Task) -> dict[str, Coverage]:
    """Measures what Transform's vocabularies leave out of the training rows.

    Raises:
        VocabularyError: The task names one that there is not: said before anything is trained.
    """
    files = sorted(map(str, (results[EXAMPLE_GEN].uri("examples") / f"Split-{TRAIN}").iterdir()))
    transform = tft.TFTransformOutput(str(results[TRANSFORM].uri("transform_graph")))
    columns = frozenset(itertools.chain.from_iterable(task.feature_parts.values()))
    return measure_coverage(files, task.vocabularies, transform, columns)


def _read_results(summary: Summary, config: PipelineConfig) -> None:
    """Takes row counts, verdicts, metrics, latency and schema differences from what the nodes wrote."""
    min_slice_rows = config.task.min_slice_rows
    results = _index_by_node(summary)
    summary.rows = node_summary.count_rows(results.get(EXAMPLE_GEN))
    summary.data_fingerprint = node_summary.read_data_fingerprint(results.get(EXAMPLE_GEN))
    summary.split = node_summary.describe_split(results.get(EXAMPLE_GEN))
    summary.spans = node_summary.read_spans(results.get(EXAMPLE_GEN))
    own = str(results[TRAINER].uri("model")) if TRAINER in results and results[TRAINER].outputs else ""
    names = {model: version for model, version in _name_pushed_models(config).items() if model != own}
    summary.verdicts = verdicts.read_verdicts(results, names)
    if (compared := verdicts.read_comparison(results)) is not None:
        summary.comparison = comparison_as_record(compared, names)
    evaluator = results.get(EVALUATOR)
    if evaluator is not None and evaluator.outputs:
        summary.metrics = slice_metrics(evaluator.uri("evaluation"), min_slice_rows)
    summary.latency = verdicts.read_latency(results)
    summary.schema_differences = node_summary.describe_schema_differences(results)


def _record_outcome(summary: Summary, config: PipelineConfig, pushed_before: set[int]) -> None:
    """Says what became of the model: pushed, unchanged, refused; or that it was an experiment."""
    if summary.experiment is not None and not any(result.state in (FAILED, SKIPPED) for result in summary.nodes):
        summary.status, summary.not_pushed = EXPERIMENT, f"experiment {summary.experiment.name}"
        return
    pusher = _index_by_node(summary).get(PUSHER)
    if pusher is None or not pusher.outputs:
        return
    properties = pusher.outputs[0].properties
    if properties.get(atomic_pusher.HELD_BACK) and (version := _find_in_place(summary, config)) is not None:
        # It was pushed as a tie, by a run that was asked to: now there is nothing to push.
        summary.status, summary.pushed_version = UNCHANGED, version
        summary.pushed_to = str(config.serving / version)
        return
    if not properties.get("pushed"):
        summary.status = REFUSED
        summary.not_pushed = _explain_refusal(summary)
        if properties.get(atomic_pusher.HELD_BACK) in (atomic_pusher.TIE, atomic_pusher.TIE_BEYOND_MARGIN):
            _record_tie(summary, beyond=properties[atomic_pusher.HELD_BACK] == atomic_pusher.TIE_BEYOND_MARGIN)
        if refusal := properties.get(atomic_pusher.REFUSAL):
            summary.error = f"Pusher: {refusal}"
            summary.not_pushed = summary.not_pushed or str(refusal)
        return
    summary.pushed_version = str(properties["pushed_version"])
    summary.pushed_to = str(properties["pushed_destination"])
    if key_id := properties.get(atomic_pusher.SIGNED_BY):
        summary.signed_by = str(key_id)
    summary.status = UNCHANGED if int(summary.pushed_version) in pushed_before else PUSHED


def _name_pushed_models(config: PipelineConfig) -> dict[str, str]:
    """Name the version that each model was pushed as where this run pushes to, by the folder of the model."""
    if not config.metadata.is_file():
        return {}
    return name_models(open_metadata_store(config.metadata), config.task.name, config.serving)


def _find_in_place(summary: Summary, config: PipelineConfig) -> str | None:
    """Find the newest version, if it is this run's model."""
    version = _name_pushed_models(config).get(str(_index_by_node(summary)[TRAINER].uri("model")))
    return version if version is not None and version == str(newest_version(config.serving)) else None


def _record_tie(summary: Summary, *, beyond: bool) -> None:
    """Say that the model cannot be told apart from the one pushed before, which is no fault of the run.

    Args:
        summary: of the run.
        beyond: whether it was to be pushed all the same, and may be worse by more than was agreed.
    """
    (found,) = (verdict for verdict in summary.verdicts if verdict.gate == BETTER_GATE)
    summary.not_pushed = found.reasons[0]
    if not beyond:
        summary.status = TIE
        return
    summary.not_pushed += ", and it may be worse by more than a margin allows"
    summary.error = "Pusher: a tie is pushed only where every margin is kept:\n" + "\n".join(
        reason for reason in found.reasons[1:] if "NOT " in reason or "undefined" in reason
    )


def _explain_refusal(summary: Summary) -> str | None:
    """Name the gates that refused, with their first reasons; None where none did."""
    refusals = [f"{one.gate}: {one.reasons[0]}" for one in summary.verdicts if one.passed is False and one.reasons]
    return "; ".join(refusals) or None


def _index_by_node(summary: Summary) -> dict[str, NodeResult]:
    return {result.node: result for result in summary.nodes}
