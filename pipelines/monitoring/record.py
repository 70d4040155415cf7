"""What monitoring leaves: summary.json, whose format docs/how-to/monitoring.md describes."""

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
    """One look at the traffic, filled in while it goes on."""

    run_id: str
    task: str
    started: str  # UTC, ISO 8601
    log: str
    window: TimeWindow
    report: dict[str, Any] = dataclasses.field(default_factory=dict)  # of TrafficMonitor; empty: it did not get there
    artifact: str = ""  # folder of the TrafficReport
    examples: str = ""  # folder of the Examples
    contract: str = ""  # file of the contract in its SERVING environment, as far as the log shows it
    hidden: dict[str, list[str]] = dataclasses.field(default_factory=dict)  # "hashed" and "dropped" columns
    production: dict[str, Any] = dataclasses.field(default_factory=dict)  # metrics of the answers, or `fault`
    nodes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    page: str = ""
    metrics: str = ""
    seconds: float = 0.0
    error: str | None = None

    @property
    def verdict(self) -> str:
        """Of TrafficMonitor; "failed" where it did not get there."""
        return str(self.report.get("verdict", "failed"))

    def write(self, directory: Path) -> Path:
        """Writes summary.json, whole or not at all, and returns its path."""
        path = directory / SUMMARY_FILE
        write_whole(path, json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n")
        return path

    def as_dict(self) -> dict[str, Any]:
        """The record as docs/how-to/monitoring.md describes it."""
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
    """The report on a window in which no row was answered.

    Args:
        statuses: HTTP status -> requests.
        before: of the window before.
        fair: whether the window holds hours and weekdays in their natural shares.
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
