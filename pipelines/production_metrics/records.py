"""Records of production metrics, for the terminal, the JSON file and pages."""

import dataclasses
import datetime
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.evaluation.bootstrap import Interval
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import Window
from serving import durable_file

FORMAT = 1  # of the JSON file


@dataclasses.dataclass(frozen=True, kw_only=True)
class MetricRecord:
    """One metric of the rows of one window, version and slice."""

    window: Window
    version: int
    slice: str  # in words; "overall" for all rows
    metric: str
    rows: int  # that the version answered
    labelled: int  # of these rows, those whose outcome is known
    production: Interval | None  # on the labelled rows; None without labels
    estimated: Interval | None  # on all rows, from the predictions only; None if it cannot be estimated
    estimate_held: bool | None  # whether `production` is inside the interval estimated for the labelled rows only
    promised: Interval | None  # on the eval split of the run that pushed the version
    gap: Interval | None  # production minus promised
    p_value: float  # of the gap; NaN without a gap
    verdict: GapVerdict

    @property
    def labels_out(self) -> int:
        """Number of rows whose outcome is not known yet."""
        return self.rows - self.labelled


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProductionMetrics:
    """The production metrics of a task."""

    task: str
    records: Sequence[MetricRecord]  # windows oldest first, all rows before slices
    notes: Sequence[str]  # what could not be measured, and why

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object that docs/how-to/production-metrics.md describes; undefined values are None."""
        return {
            "format": FORMAT,
            "task": self.task,
            "notes": list(self.notes),
            "records": [_plain(record) for record in self.records],
        }

    def to_json(self) -> str:
        """Return the text of the JSON file."""
        return json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Write the JSON file, whole or not at all, and make its folder if there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        durable_file.write_whole(path, self.to_json())


def _plain(record: MetricRecord) -> dict[str, Any]:
    return {
        "window_start": _time(record.window.start),
        "window_end": _time(record.window.end),
        "version": str(record.version),
        "slice": record.slice,
        "metric": record.metric,
        "rows": record.rows,
        "labelled": record.labelled,
        "labels_out": record.labels_out,
        "production": _interval(record.production),
        "estimated": _interval(record.estimated),
        "estimate_held": record.estimate_held,
        "promised": _interval(record.promised),
        "gap": _interval(record.gap),
        "p_value": _number(record.p_value),
        "verdict": record.verdict.value,
    }


def _time(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")


def _interval(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    return {"value": _number(interval.value), "low": _number(interval.low), "high": _number(interval.high)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
