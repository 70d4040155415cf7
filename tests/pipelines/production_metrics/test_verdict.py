"""Gaps that chance explains, and windows of time."""

import datetime
import itertools
import math

import numpy as np
import pytest

from benchmarks.production_metrics import WORLDS
from pipelines.evaluation.bootstrap import Interval, estimate_intervals
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.metrics import metrics_at
from pipelines.production_metrics.verdict import measure_gap, more_than_chance, p_value, standard_error
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


def test_the_error_of_few_rows_is_that_of_many_on_either_side() -> None:
    """A recall of 1 among a few rows, in production or in the promise, and one of 0.9 among 16 times as many."""
    few, many = Interval(value=1.0, low=1.0, high=1.0), Interval(value=0.9, low=0.88, high=0.92)
    error = math.hypot(standard_error(many), 4 * standard_error(many))
    for gap, value in ((measure_gap(few, 25, many, 400), 0.1), (measure_gap(many, 400, few, 25), -0.1)):
        assert gap is not None
        assert (gap.value, standard_error(gap)) == pytest.approx((value, error))


def test_a_gap_between_two_values_without_a_spread_is_not_judged() -> None:
    right, wrong = Interval(value=1.0, low=1.0, high=1.0), Interval(value=0.0, low=0.0, high=0.0)
    assert measure_gap(wrong, 100, right, 100) is None
    assert measure_gap(right, 100, right, 100) == Interval(value=0.0, low=0.0, high=0.0)


def test_a_promise_of_few_rows_calls_no_gap() -> None:
    world, metrics, draw, called = WORLDS["calibrated"], metrics_at(0.5), np.random.default_rng(7), 0
    for _ in range(40):
        promised = estimate_intervals(*world.draw(20, draw), metrics, resamples=200)
        measured = estimate_intervals(*world.draw(1000, draw), metrics, resamples=200)
        gaps = [measure_gap(measured[name], 1000, promised[name], 20) for name in metrics]
        called += any(more_than_chance([p_value(gap.value, standard_error(gap)) for gap in gaps if gap]))
    assert called <= 6  # 2 are expected; more than 6 have a chance of 0.3%


def test_lengths() -> None:
    assert [parse_length(text) for text in ("90s", "30m", "24h", "7d", "2w")] == [
        datetime.timedelta(seconds=90), datetime.timedelta(minutes=30), DAY, 7 * DAY, 14 * DAY,
    ]  # fmt: skip
    for text in ("", "7", "d", "0d", "-1d", "7 d", "1.5h", "7y", "5219w", "99999999w", "99999999999999w"):
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
