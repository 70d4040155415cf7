"""Write the record of a run whose nodes ran in separate processes, as `run` does at its end."""

import datetime
from collections.abc import Sequence

from absl import logging
from rich.console import Console

from pipelines.options import RunOptions
from pipelines.orchestration.begun import RunMismatchError, pin_options, read_begun
from pipelines.orchestration.node_records import NodeRecords
from pipelines.runner.local_run import conclude
from pipelines.runner.outcome import read_results
from pipelines.runner.preparation import prepare_run
from pipelines.runner.results import SKIPPED, NodeResult
from pipelines.runner.summary import Summary
from pipelines.task_definition.task import load_task


def finish_run(options: RunOptions, console: Console, summary: Summary) -> None:
    """Fill in the summary of a run from the records of its nodes; nodes without a record count as skipped.

    Args:
        options: of the run.
        console: the terminal.
        summary: of the run; is filled in.

    Raises:
        RunMismatchError: The run has not begun, or was begun with other options.
        Exception: The options or the task cannot be used; see `prepare_run`.
    """
    logging.set_verbosity(logging.INFO)
    directory = options.var / "runs" / summary.run_id
    begun = read_begun(directory)
    config = prepare_run(pin_options(options, begun), load_task(options.task), console, summary)
    if begun is None:
        raise RunMismatchError(
            f"run {summary.run_id} has not begun: expected a node to have run, received none; run its nodes first"
        )
    summary.started, summary.data = begun.started, begun.data
    summary.source_digest, summary.task_files = begun.source_digest, begun.task_files
    summary.unread_files = begun.unread_files
    ended, summary.vocabularies = NodeRecords(directory).read(begun.nodes)
    for result in ended:
        if result.error is not None:
            summary.fail(f"{result.node}: {result.error}")
    results = {result.node: result for result in ended}
    missing = [node for node in begun.nodes if node not in results]
    if missing and summary.error is None:
        summary.fail(f"the run was finished before all nodes had run: expected {', '.join(missing)} as well")
    skipped = {node: NodeResult(node=node, state=SKIPPED, seconds=0.0) for node in missing}
    summary.nodes = [(results | skipped)[node] for node in begun.nodes]
    read_results(summary, config)
    conclude(options, config, set(begun.pushed_before), console, summary)
    summary.seconds = _measure_seconds(begun.started, ended)


def _measure_seconds(started: str, ended: Sequence[NodeResult]) -> float:
    """Return the seconds from the run's begin to its last node's end, whenever `node --finish` is called."""
    began = datetime.datetime.fromisoformat(started)
    ends = (one.started + datetime.timedelta(seconds=one.seconds) for one in ended if one.started)
    return (max(ends, default=began) - began).total_seconds()
