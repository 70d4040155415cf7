"""The intervals that a report keeps for whoever looks at many runs."""

import math
from pathlib import Path

from pipelines.evaluation.bootstrap import Interval
from pipelines.report.intervals import collect_intervals
from pipelines.report.metrics import MetricRow
from pipelines.runs.intervals import INTERVALS_FILE, MetricInterval, read_intervals

NOT_KNOWN = Interval(value=math.nan, low=math.nan, high=math.nan)


def test_they_are_read_as_they_were_shown(tmp_path: Path) -> None:
    rows = [
        _row(
            "auc", Interval(value=0.9, low=0.8, high=0.95), Interval(value=0.01, low=-0.1, high=0.1), "no clear change"
        ),
        _row("loss", Interval(value=0.2, low=0.1, high=0.3), None, ""),
        _row("calibration", Interval(value=1.0, low=0.9, high=1.1), NOT_KNOWN, ""),
        _row("undefined", NOT_KNOWN, None, ""),
        _row("unknown_to_the_bootstrap", None, None, ""),
    ]
    (tmp_path / INTERVALS_FILE).write_text(collect_intervals({"metrics": rows, "resamples": 300}))
    found = read_intervals(tmp_path)
    assert list(found) == ["auc", "loss", "calibration"]
    assert found["auc"] == MetricInterval(
        low=0.8, high=0.95, change=0.01, change_low=-0.1, change_high=0.1, meaning="no clear change"
    )
    assert (found["loss"].low, found["loss"].high, found["loss"].meaning) == (0.1, 0.3, "")
    assert math.isnan(found["loss"].change)
    assert math.isnan(found["calibration"].change_low)


def test_a_run_without_them(tmp_path: Path) -> None:
    assert read_intervals(tmp_path) == {}


def _row(name: str, interval: Interval | None, change: Interval | None, word: str) -> MetricRow:
    return MetricRow(name=name, value=1.0, interval=interval, change=change, word=word)
