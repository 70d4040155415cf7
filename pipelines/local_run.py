"""One local run, from the options to the exit status: runs the nodes, keeps the record, says what happened."""

import datetime
import os
import time
import traceback
from pathlib import Path

from absl import logging
from rich.console import Console
from tfx.orchestration.pipeline import Pipeline
from tfx.utils import io_utils

from components import anomaly_gate, atomic_pusher, checked_csv, csv_source, skew_gate
from components.source_digest import source_digest
from pipelines import closing_words, launch, verdicts
from pipelines.config import PipelineConfig, TrainerConfig, contract_copy
from pipelines.housekeeping import clear_interrupted
from pipelines.integrity import Ledger
from pipelines.options import DONE, INTERRUPTED, REFUSED, Options
from pipelines.progress import progress
from pipelines.schema_difference import differences
from pipelines.summary import Summary
from pipelines.task import Task, load_task
from pipelines.training import create_pipeline

_EXIT_STATUS = {"pushed": DONE, "unchanged": DONE, "refused": REFUSED, "failed": REFUSED, "interrupted": INTERRUPTED}


def run(options: Options, directory: Path, console: Console) -> int:
    """Runs the pipeline; whatever happens, a summary is left and the terminal says what to do.

    Args:
        options: the command line.
        directory: of this run; gets summary.json.
        console: the terminal.

    Returns:
        The exit status, as pipelines.local documents it.
    """
    logging.set_verbosity(logging.INFO)
    begin = time.monotonic()
    summary = Summary(
        run_id=directory.name,
        task=options.task,
        data=str(options.data or "the task's own"),
        source_digest="",
        started=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    try:
        _run_task(options, directory, console, summary)
    except KeyboardInterrupt:
        clear_interrupted(_var(options) / "metadata.sqlite", _var(options) / "artifacts")
        summary.error = "interrupted; what was finished is kept, the next run goes on from there"
    except Exception as error:  # The boundary: the record and the terminal say it, the log has the traceback.
        logging.error("The run failed.\n%s", traceback.format_exc())
        summary.status, summary.error = "failed", closing_words.explain(error)
    summary.seconds = time.monotonic() - begin
    summary.write(directory)
    _point_latest_at(directory)
    closing_words.say(console, summary, directory)
    return _EXIT_STATUS[summary.status]


def _run_task(options: Options, directory: Path, console: Console, summary: Summary) -> None:
    task = load_task(options.task)
    summary.task = task.name
    summary.source_digest = source_digest(
        task.preprocessing_fn, task.run_fn, checked_csv, anomaly_gate, skew_gate, atomic_pusher
    )
    config = configure(options, task)
    summary.data = str(config.data)
    before = set(atomic_pusher.versions(config.serving)) if config.serving.exists() else set()
    cleared = clear_interrupted(config.metadata, config.var / "artifacts")
    if cleared:
        console.print(f"cleared what an interrupted run left ({len(cleared)} unfinished)")
    console.print(f"[bold]{task.name}[/]  run {directory.name}  log {_shown(directory / 'run.log')}")
    pipeline = create_pipeline(config)
    try:
        _run_nodes(pipeline, config, console, summary)
    finally:
        _read_results(summary)
    _conclude(summary, before)


def configure(options: Options, task: Task) -> PipelineConfig:
    """Turns the command line into a PipelineConfig, preparing the task's own data when no other is named."""
    var = _var(options)
    data = options.data.absolute() if options.data else task.prepare_data(var / "data" / task.name)
    csv_source.find_files(data)  # Raises when there is nothing to read: sooner, and in better words, than ExampleGen.
    return PipelineConfig(
        task=task,
        data=data,
        contract=contract_copy(task, var),
        var=var,
        trainer=TrainerConfig(
            train_steps=options.train_steps or task.train_steps,
            distribute=options.distribute,
            mixed_precision=options.mixed_precision,
            warm_start=options.warm_start,
        ),
        cache=not options.force,
    )


def _run_nodes(pipeline: Pipeline, config: PipelineConfig, console: Console, summary: Summary) -> None:
    compiled = launch.compile_pipeline(pipeline, summary.run_id)
    nodes = [node.pipeline_node.node_info.id for node in compiled.nodes]
    with progress(console, nodes) as shown:
        for result in launch.run_nodes(compiled, Ledger(config.artifacts), shown.started):
            summary.nodes.append(result)
            shown.finished(result, closing_words.wrote(result))
            if result.error is not None:
                summary.status, summary.error = "failed", closing_words.explain(result.error)


def _read_results(summary: Summary) -> None:
    """Takes verdicts, metrics, row counts and schema differences from what the nodes wrote."""
    results = {result.node: result for result in summary.nodes}
    summary.verdicts = verdicts.verdicts(results)
    summary.rows = closing_words.row_counts(results.get("StatisticsGen"))
    evaluator = results.get("Evaluator")
    if evaluator is not None and evaluator.outputs:
        summary.metrics = verdicts.slice_metrics(evaluator.uri("evaluation"))
    proposal, contract = results.get("SchemaGen"), results.get("ImportSchemaGen")
    if proposal and contract and proposal.outputs and contract.outputs:
        read = io_utils.SchemaReader().read
        summary.schema_differences = differences(
            *(read(io_utils.get_only_uri_in_dir(str(result.uri("schema")))) for result in (proposal, contract))
        )


def _conclude(summary: Summary, before: set[int]) -> None:
    """Says what became of the model: pushed, unchanged or refused."""
    pusher = next((result for result in summary.nodes if result.node == "Pusher"), None)
    if pusher is None or not pusher.outputs:
        return
    properties = pusher.outputs[0].properties
    if not properties.get("pushed"):
        summary.status = "refused"
        return
    summary.pushed_version = str(properties["pushed_version"])
    summary.pushed_to = str(properties["pushed_destination"])
    summary.status = "unchanged" if int(summary.pushed_version) in before else "pushed"


def _point_latest_at(directory: Path) -> None:
    beside = directory.parent / ".latest"
    beside.unlink(missing_ok=True)
    beside.symlink_to(directory.name)
    os.replace(beside, directory.parent / "latest")


def _var(options: Options) -> Path:
    return options.var.absolute()


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
