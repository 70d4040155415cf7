"""Split time into windows, counted back from the newest row."""

import dataclasses
import datetime
import re
from collections.abc import Sequence

from pipelines.production_metrics.errors import ProductionMetricsError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TICK = datetime.timedelta(microseconds=1)  # the resolution of a row's time
_LONGEST = datetime.timedelta(days=36_525)  # a century: datetime has no dates before the year 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Window:
    """A window of time."""

    start: datetime.datetime  # first moment, with time zone
    end: datetime.datetime  # first moment after it


def parse_length(text: str) -> datetime.timedelta:
    """Parse a length of time.

    Args:
        text: a number and a unit, such as 90s, 30m, 24h, 7d or 4w.

    Returns:
        The length.

    Raises:
        ProductionMetricsError: The text is no length, or one of 0 or of more than a century.

    Example:
        >>> str(parse_length("36h"))
        '1 day, 12:00:00'
    """
    found = re.fullmatch(r"(\d{1,8})([smhdw])", text)
    length = datetime.timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else datetime.timedelta(0)
    if not datetime.timedelta(0) < length <= _LONGEST:
        raise ProductionMetricsError(
            "expected a whole number above 0 and a unit of s, m, h, d or w, such as 7d, a century at most, "
            f"received {text!r}"
        )
    return length


def first_moment(last: datetime.datetime, length: datetime.timedelta, most: int) -> datetime.datetime:
    """Return the start of the oldest of `most` windows, of which the newest ends with `last`; at most a century ago."""
    return last + _TICK - min(most, _LONGEST // length) * length


def split_windows(
    first: datetime.datetime, last: datetime.datetime, length: datetime.timedelta, most: int
) -> Sequence[Window]:
    """Split the time from the first row to the last into windows, the newest of which ends with the last row.

    Args:
        first: time of the first row, with time zone.
        last: time of the last row.
        length: of a window.
        most: the most windows, the newest.

    Returns:
        The windows, oldest first.
    """
    end = last + _TICK
    found: list[Window] = []
    while end > first and len(found) < most:
        found.append(Window(start=end - length, end=end))
        end -= length
    return found[::-1]
