"""Gaps that chance explains, and windows of time."""

import datetime
import itertools
import math

import numpy as np
import pytest

from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.verdict import more_than_chance, p_value
from pipelines.production_metrics.windows import parse_length, split_windows

NOON = datetime.datetime(2026, 3, 8, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def test_p_values() -> None:
    assert p_value(1.959964, 1) == pytest.approx(0.05, abs=1e-6)
    assert p_value(-3.0, 1.5) == pytest.approx(0.0455, abs=1e-4)
    assert math.isnan(p_value(1.0, 0.0))
    assert math.isnan(p_value(math.nan, 1.0))


def test_holm_by_hand() -> None:
    # 0.010 <= 0.05/4, 0.014 <= 0.05/3, 0.030 > 0.05/2: the last one too is not looked at any more.
    assert more_than_chance([0.030, 0.010, math.nan, 0.014, 0.049]) == [False, True, False, True, False]
    assert more_than_chance([]) == []


def test_where_nothing_changed_few_windows_have_a_gap() -> None:
    draw = np.random.default_rng(5)
    windows = draw.normal(size=(1000, 20))
    alarms = sum(any(more_than_chance([p_value(gap, 1.0) for gap in window])) for window in windows)
    assert alarms <= 75  # 50 are expected; more than 75 have a chance of 0.03%


def test_lengths() -> None:
    assert [parse_length(text) for text in ("30m", "24h", "7d", "2w")] == [
        datetime.timedelta(minutes=30), DAY, 7 * DAY, 14 * DAY,
    ]  # fmt: skip
    for text in ("", "7", "d", "0d", "-1d", "7 d", "1.5h", "7y"):
        with pytest.raises(ProductionMetricsError, match="such as 7d"):
            parse_length(text)


def test_windows_are_counted_back_from_the_last_row() -> None:
    first = NOON - 2.5 * DAY
    found = split_windows(first, NOON, DAY, most=10)
    assert len(found) == 3
    assert found[-1].start < NOON < found[-1].end
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert found[0].start <= first
    assert split_windows(first, NOON, DAY, most=1) == found[-1:]
    assert len(split_windows(NOON, NOON, DAY, most=3)) == 1
