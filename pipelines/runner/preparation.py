"""Prepare a run before its first node: resolve the options, clear what a killed run left, compile the pipeline."""

from rich.console import Console
from tfx.proto.orchestration import pipeline_pb2

from components.anomaly_gate import component as anomaly_gate
from components.csv_example_gen import executor as checked_csv
from components.csv_example_gen.csv_files import find_unread
from components.evaluator import component as evaluator
from components.pusher import executor as atomic_pusher
from components.pusher.versions import list_versions
from components.skew_gate import component as skew_gate
from components.source_digest import source_digest
from pipelines.comparison import component as better_gate
from pipelines.config import PipelineConfig
from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.review.state import read_review_state
from pipelines.runner import launch
from pipelines.runner.metadata_cleanup import clear_interrupted_executions, invalidate_displaced_pushes
from pipelines.runner.summary import Summary
from pipelines.task_definition.task import Task
from pipelines.task_definition.task_files import task_file_digests
from pipelines.training import create_pipeline


def prepare_run(options: RunOptions, task: Task, console: Console, summary: Summary) -> PipelineConfig:
    """Resolve the options, and fill in the summary's fields of task, code and data.

    Args:
        options: the options of the command line.
        task: the task.
        console: where unread files are printed.
        summary: the run's summary.

    Returns:
        The run's configuration.

    Raises:
        Exception: The run cannot begin; see `resolve`.
    """
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
    # Each run lists them, since a new file that ExampleGen does not read does not make it run again.
    summary.unread_files = find_unread(config.data) if config.data else []
    if summary.unread_files:
        console.print(f"not read: {', '.join(summary.unread_files)}", soft_wrap=True)
    return config


def list_pushed_versions(config: PipelineConfig) -> set[int]:
    """Return the versions in the folder that the run pushes to."""
    return set(list_versions(config.serving)) if config.serving.is_dir() else set()


def clear_leftovers(config: PipelineConfig, console: Console) -> None:
    """Mark executions of a killed run as failed, and take replaced pushes out of the cache.

    Call it only while holding the folder's lock: then no execution can be running.

    Args:
        config: the run's configuration.
        console: where the cleared nodes are printed.
    """
    if cleared := clear_interrupted_executions(config.metadata, config.var / "artifacts"):
        console.print(f"cleared what an interrupted run left: {', '.join(cleared)}")
    invalidate_displaced_pushes(config.metadata, config.artifacts)


def compile_run(config: PipelineConfig, run_id: str) -> pipeline_pb2.Pipeline:
    """Compile the pipeline for one run; mark the executions of an experiment."""
    compiled = launch.compile_pipeline(create_pipeline(config), run_id)
    if config.experiment is not None:
        launch.join_experiment(compiled, config.experiment)
    return compiled
