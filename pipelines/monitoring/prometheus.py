"""Write the verdict as Prometheus metrics, in a file that node_exporter's textfile collector reads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from components.traffic_monitor.verdicts import ALARM, EMPTY, TOO_FEW
from pipelines.monitoring.record import MonitoringRecord
from serving.durable_file import write_whole

_ANSWERED = "200"  # HTTP status
_LATENCIES = {"p50_ms": "50", "p95_ms": "95", "p99_ms": "99"}  # field of the report -> label


def metrics_file(task: str) -> str:
    """Return the file's name; the collector reads files whose names end with .prom."""
    return f"{task}_traffic.prom"


def write_metrics(record: MonitoringRecord, ended: float, path: Path) -> None:
    """Write the file, whole or not at all.

    Args:
        record: of one run of monitoring.
        ended: when it ended, in seconds since 1970.
        path: the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, generate_latest(make_registry(record, ended)))


def make_registry(record: MonitoringRecord, ended: float) -> CollectorRegistry:
    """Return the metrics of one run of monitoring."""
    made, report = _Gauges(record.task), record.report
    few = record.verdict in (TOO_FEW, EMPTY)
    made.set("traffic_run_timestamp_seconds", "When the traffic was last judged", ended)
    made.set("traffic_window_end_timestamp_seconds", "End of the window", record.window.end.timestamp())
    made.set("traffic_window_seconds", "Length of the window", record.window.length.total_seconds())
    made.set("traffic_alarm", "1 if the window changed by more than chance", record.verdict == ALARM)
    made.set("traffic_too_few_rows", "1 if the window has too few rows to judge, or none", few)
    made.set("traffic_contract_anomalies", "Number of anomalies, which break the contract", len(report["anomalies"]))
    for name, rows in report["rows"].items():
        made.set("traffic_window_rows", "Answered rows, of the window and of the one before", rows, window=name)
    statuses = report["statuses"]["window"]
    if total := sum(statuses.values()):
        share = 1 - statuses.get(_ANSWERED, 0) / total
        made.set("traffic_unanswered_ratio", "Requests that no model answered", share)
    for version in report["versions"]:
        _set_version(made, version)
    for column in report["columns"]:
        _set_column(made, column)
    return made.registry


def _set_version(made: "_Gauges", version: Mapping[str, Any]) -> None:
    labels = {"model_version": version["version"]}
    made.set("traffic_version_rows", "Answered rows by model version", version["rows"], **labels)
    if version.get("prediction_mean") is not None:
        made.set("traffic_prediction_mean", "Mean prediction by version", version["prediction_mean"], **labels)
    for name, share in version.get("class_shares", {}).items():
        text = "Share of rows with a predicted class, by version"
        made.set("traffic_class_ratio", text, share, predicted=name, **labels)
    for key, percentile in _LATENCIES.items():
        if key in version:
            seconds = version[key] / 1000
            made.set("traffic_latency_seconds", "Time to an answer", seconds, percentile=percentile, **labels)


def _set_column(made: "_Gauges", column: Mapping[str, Any]) -> None:
    name = column["name"]
    made.set("traffic_column_findings", "Tests of a column that raise an alarm", len(column["alarms"]), column=name)
    if (missing := column["missing"]["window"]) is not None:
        made.set("traffic_missing_ratio", "Rows without a value in a column", missing, column=name)
    for version, share in column["unseen"].items():
        if share is not None:
            text = "Rows with a value that training did not hold"
            made.set("traffic_unseen_ratio", text, share, column=name, model_version=version)


class _Gauges:
    """The gauges of one task, each created when it is first set."""

    def __init__(self, task: str) -> None:
        self.registry = CollectorRegistry()
        self._task = task
        self._gauges: dict[str, Gauge] = {}

    def set(self, name: str, text: str, value: float, **labels: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, ["task", *labels], registry=self.registry)
        self._gauges[name].labels(self._task, *labels.values()).set(float(value))
