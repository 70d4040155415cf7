"""Collect the report's intervals for a file that comparisons of runs read, since computing them takes seconds."""

import math
from typing import Any

from pipelines.evaluation.bootstrap import LEVEL
from pipelines.report.metrics import MetricRow
from pipelines.runs.intervals import MetricInterval, write_intervals


def collect_intervals(evaluation: dict[str, Any]) -> str:
    """Return the content of pipelines.runs.intervals.INTERVALS_FILE.

    Args:
        evaluation: Content of the report's section on the model's metrics.
    """
    found = {row.name: _to_interval(row) for row in evaluation["metrics"]}
    known = {name: one for name, one in found.items() if math.isfinite(one.low)}
    return write_intervals(known, LEVEL, evaluation["resamples"])


def _to_interval(row: MetricRow) -> MetricInterval:
    low, high = (row.interval.low, row.interval.high) if row.interval else (math.nan, math.nan)
    if row.change is None:
        return MetricInterval(low=low, high=high)
    change = {"change": row.change.value, "change_low": row.change.low, "change_high": row.change.high}
    return MetricInterval(low=low, high=high, **change, meaning=row.word)
