"""Run monitoring once: read the log's summary, run the pipeline's nodes, and fill in the record."""

import json
import os
from pathlib import Path
from typing import Any

from absl import logging
from rich.console import Console

from components.request_log_example_gen import component as request_log_example_gen
from components.source_digest import source_digest
from components.traffic_monitor import component as traffic_monitor
from components.traffic_monitor import verdict
from components.traffic_monitor.answers import compare_statuses
from components.traffic_monitor.comparison import judge
from components.traffic_monitor.executor import REPORT_FILE
from components.traffic_monitor.verdicts import LEVEL
from pipelines.explain import explain
from pipelines.monitoring.logged_window import LoggedWindow, read_logged_window, write_contract
from pipelines.monitoring.options import MonitorOptions
from pipelines.monitoring.pipeline import (
    REQUEST_LOG_EXAMPLE_GEN,
    TRAFFIC_MONITOR,
    MonitoringConfig,
    create_monitoring_pipeline,
)
from pipelines.monitoring.record import MonitoringRecord, empty_report
from pipelines.monitoring.served_versions import find_artifacts
from pipelines.runner import launch
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.metadata_cleanup import clear_interrupted_executions
from pipelines.runner.progress import LineProgress
from pipelines.runner.results import NodeResult
from pipelines.task_definition.task import Task, load_task
from serving.request_log.settings import read_hash_key


class MonitoringError(RuntimeError):
    """A node of the monitoring pipeline failed."""


def run_monitoring(options: MonitorOptions, console: Console, record: MonitoringRecord) -> None:
    """Run the monitoring pipeline and fill in the record.

    Args:
        options: of the command line.
        console: the terminal.
        record: with the task, the log and the window; is filled in.

    Raises:
        RequestLogError: The log's files of the window do not fit together.
        MonitoringError: A node failed.
        KeyboardInterrupt: Ctrl-C was pressed; what the interrupted node had begun to write was removed.
    """
    logging.set_verbosity(logging.INFO)
    task = load_task(options.task)
    record.task = task.name
    seen = read_logged_window(Path(record.log), record.window)
    if seen.span is None or not seen.answered:
        record.report = _judge_unanswered(seen, fair=record.window.fair)
        return
    record.hidden = {"hashed": sorted(seen.span.hashed), "dropped": sorted(seen.span.dropped)}
    config = _configure(options, task, record, seen)
    clear_interrupted_executions(config.metadata, options.var / "artifacts")
    try:
        results = _run_nodes(config, record, console)
    except KeyboardInterrupt:
        clear_interrupted_executions(config.metadata, options.var / "artifacts")
        raise
    record.contract, record.examples = str(config.contract), str(results[REQUEST_LOG_EXAMPLE_GEN].uri("examples"))
    record.artifact = str(results[TRAFFIC_MONITOR].uri("report"))
    record.report = json.loads((Path(record.artifact) / REPORT_FILE).read_text())


def _judge_unanswered(seen: LoggedWindow, *, fair: bool) -> dict[str, Any]:
    """Return the report on a window without answered rows: an alarm if more requests failed than chance explains."""
    judged = judge(compare_statuses(seen.statuses, seen.statuses_before), LEVEL)
    return empty_report(seen.statuses, seen.statuses_before, fair=fair) | {
        "verdict": verdict.decide(0, 0, judged, ()),
        "tests": len(judged),
        "findings": [verdict.as_record(one) for one in judged if one.alarm],
    }


def _configure(options: MonitorOptions, task: Task, record: MonitoringRecord, seen: LoggedWindow) -> MonitoringConfig:
    assert seen.span is not None
    contract = write_contract(task.contract, seen.span, options.var / "contracts" / task.name)
    metadata = options.var / "metadata.sqlite"
    return MonitoringConfig(
        task=task.name,
        var=options.var,
        log=Path(record.log),
        window=record.window,
        contract=contract,
        versions=find_artifacts(metadata, task.name, seen.versions),
        hashed=record.hidden["hashed"],
        dropped=record.hidden["dropped"],
        has_key=read_hash_key(os.environ) is not None,
        fingerprint=seen.fingerprint,
        digests={
            REQUEST_LOG_EXAMPLE_GEN: source_digest(request_log_example_gen),
            TRAFFIC_MONITOR: source_digest(traffic_monitor),
        },
        cache=not options.force,
    )


def _run_nodes(config: MonitoringConfig, record: MonitoringRecord, console: Console) -> dict[str, NodeResult]:
    """Run the nodes one after the other in this process, because TrafficMonitor uses TensorFlow."""
    compiled = launch.compile_pipeline(create_monitoring_pipeline(config), f"monitoring-{record.run_id}")
    shown = LineProgress(console, [node.pipeline_node.node_info.id for node in compiled.nodes])
    results: dict[str, NodeResult] = {}
    for result in launch.run_nodes(compiled, ArtifactDigests(config.artifacts), shown.started):
        results[result.node] = result
        record.nodes.append({"id": result.node, "state": result.state, "seconds": round(result.seconds, 2)})
        shown.finished(result)
        if result.error is not None:
            raise MonitoringError(f"{result.node}: {explain(result.error)}") from result.error
    return results
