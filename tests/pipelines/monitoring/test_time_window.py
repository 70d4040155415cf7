"""Windows of time."""

import datetime

import pytest

from pipelines.config import ConfigError
from pipelines.monitoring.options import MonitorOptions
from pipelines.monitoring.time_window import TimeWindow, parse_duration, parse_moment

DAY = datetime.timedelta(days=1)
END = datetime.datetime(2026, 3, 15, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("length", "days_earlier", "fair"),
    [("7d", 7, True), ("2w", 14, True), ("1d", 7, False), ("90m", 7, False), ("10d", 14, False)],
)
def test_the_window_before_holds_the_same_hours_of_the_same_weekdays(
    length: str, days_earlier: int, fair: bool
) -> None:
    window = TimeWindow(end=END, length=parse_duration(length))
    assert window.before == (window.start - days_earlier * DAY, END - days_earlier * DAY)
    assert window.before[1] <= window.start
    assert window.fair is fair


def test_the_caller_may_say_that_the_mix_is_fair() -> None:
    assert TimeWindow(end=END, length=DAY, fair_mix=True).fair


@pytest.mark.parametrize("text", ["7", "0d", "d", "-1d", "7y", "1.5h", "99999999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="window: expected"):
        MonitorOptions(window=text)


def test_a_moment_without_a_zone_is_utc() -> None:
    assert parse_moment("2026-03-15") == END
    assert parse_moment("2026-03-15T01:00+01:00") == END
    assert parse_moment("2026-03-15T01:00+01:00").tzname() == "UTC"  # type: ignore[union-attr]  # as terminal and page say
    assert parse_moment("now") is None
    with pytest.raises(ConfigError, match="until: expected now or a moment"):
        MonitorOptions(until="yesterday")
