"""The record of one run of monitoring, summary.json; docs/how-to/monitoring.md describes its format."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from components.traffic_monitor.verdicts import EMPTY, LEVEL
from pipelines.monitoring.time_window import TimeWindow
from serving.durable_file import write_whole

FORMAT = 1
SUMMARY_FILE = "summary.json"


@dataclasses.dataclass(kw_only=True)
class MonitoringRecord:
    """The record of one run of monitoring, filled in while it runs."""

    run_id: str
    task: str
    started: str  # UTC, ISO 8601
    log: str
    window: TimeWindow
    report: dict[str, Any] = dataclasses.field(default_factory=dict)  # of TrafficMonitor; empty: the run failed before
    artifact: str = ""  # folder of the TrafficReport
    examples: str = ""  # folder of the Examples
    contract: str = ""  # file of the contract of the columns that requests and the log hold
    hidden: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # "hashed" and "dropped" columns
    production: dict[str, Any] = dataclasses.field(default_factory=dict)  # production metrics, or `fault`
    nodes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    page: str = ""
    metrics: str = ""
    seconds: float = 0.0
    error: str | None = None

    @property
    def verdict(self) -> str:
        """TrafficMonitor's verdict, or "failed" if there is no report."""
        return str(self.report.get("verdict", "failed"))

    def write(self, directory: Path) -> Path:
        """Write summary.json, whole or not at all, and return its path."""
        path = directory / SUMMARY_FILE
        write_whole(path, json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")
        return path

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the JSON object that docs/how-to/monitoring.md describes."""
        before = self.window.before
        return {
            "format": FORMAT,
            "run_id": self.run_id,
            "task": self.task,
            "verdict": self.verdict,
            "started": self.started,
            "seconds": round(self.seconds, 2),
            "log": self.log,
            "window": {"start": self.window.start.isoformat(), "end": self.window.end.isoformat()},
            "before": {"start": before[0].isoformat(), "end": before[1].isoformat()},
            "hidden": self.hidden,
            "report": self.report,
            "artifact": self.artifact,
            "examples": self.examples,
            "contract": self.contract,
            "production": self.production,
            "nodes": self.nodes,
            "page": self.page,
            "metrics": self.metrics,
            "error": self.error,
        }


def empty_report(
    statuses: dict[str, int], before: dict[str, int] | None = None, *, fair: bool = True
) -> dict[str, Any]:
    """Return the report on a window in which no row was answered.

    Args:
        statuses: HTTP status -> requests.
        before: HTTP status -> requests of the window before.
        fair: see TimeWindow.fair.
    """
    return {
        "verdict": EMPTY,
        "level": LEVEL,
        "tests": 0,
        "rows": {"window": 0, "before": 0},
        "statuses": {"window": statuses, "before": before or {}},
        "failed": {},
        "least_shift": None,
        "versions": [],
        "findings": [],
        "anomalies": [],
        "columns": [],
        "distances": {},
        "predictions": {},
        "fair": fair,
    }
