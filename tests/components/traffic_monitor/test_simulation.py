"""A small version of `python -m benchmarks.monitoring`: windows of real trips, without change and with."""

import numpy as np
import pytest

from benchmarks.monitoring.changes import CHANGES
from benchmarks.monitoring.simulation import changed_windows, unchanged_window
from benchmarks.monitoring.trips import Trips, read_trips
from data.taxi import packaged_file

pytestmark = pytest.mark.slow
ROWS = 1000
# Found in nearly all simulations (docs/how-to/monitoring.md). The other is an hour's shift, found in three of five.
CLEAR = sorted(set(CHANGES) - {"the clock is an hour ahead"})


@pytest.fixture(scope="module")
def trips() -> Trips:
    return read_trips(packaged_file())


def test_windows_without_change_raise_no_alarm(trips: Trips) -> None:
    draw = np.random.default_rng(20)
    alarms = sum(any(one.alarm for one in unchanged_window(trips, ROWS, draw)) for _ in range(20))
    assert alarms <= 1  # at 1% a window, two or more of 20 come once in 60 times


def test_there_are_twenty_changes() -> None:
    assert len(CHANGES) == 20


@pytest.mark.parametrize("name", CLEAR)
def test_a_change_is_found_within_two_windows(trips: Trips, name: str) -> None:
    windows = changed_windows(trips, ROWS, CHANGES[name], np.random.default_rng(21))
    assert any(one.alarm for judged in windows for one in judged)
