"""Read times of requests, and the columns that are parts of them: the hour, the weekday, the month.

The time column's tag `time_zone:America/Chicago` names the zone of its local time. A request may then send the time in
ISO 8601 instead of seconds. A tag `part_of:trip_start_timestamp hour` makes a column a part of that time: a request may
leave it out, and must not contradict the time. All arithmetic is on whole numbers, so that it works on NumPy arrays,
too.
"""

import dataclasses
import datetime
import re
import zoneinfo
from collections.abc import Callable, Iterable
from typing import Any

from serving.contract import dates

ZONE_TAG, PART_TAG = "time_zone:", "part_of:"
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)
_EPOCH = datetime.datetime(1970, 1, 1)
_DAY_SECONDS = 86400


class IsoTimeError(ValueError):
    """A text is not a date and time in ISO 8601, or its date does not exist."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WallClock:
    """How a column counts local time."""

    zone: zoneinfo.ZoneInfo  # the zone of the local time
    written: str  # EPOCH_SECONDS or EPOCH_MILLISECONDS

    def read(self, text: str) -> int:
        """Convert a date and time in ISO 8601 to the column's whole number, rounded down.

        A time without a zone is local time.

        Args:
            text: ISO 8601.

        Returns:
            The number.

        Raises:
            IsoTimeError: The text is not a date and time in ISO 8601.

        Example:
            >>> clock = WallClock(zone=zoneinfo.ZoneInfo("America/Chicago"), written="epoch seconds")
            >>> clock.read("2015-07-16T14:45")
            1437057900
            >>> clock.read("2015-07-16T14:45-05:00")
            1437057900
        """
        if not _ISO.fullmatch(text):
            raise IsoTimeError(text)
        try:
            time = datetime.datetime.fromisoformat(text.upper())
            shown = time if time.tzinfo is None else time.astimezone(self.zone).replace(tzinfo=None)
        except (ValueError, OverflowError) as error:
            raise IsoTimeError(text) from error
        return (shown - _EPOCH) // datetime.timedelta(seconds=1) * self.units + (
            shown.microsecond * self.units // 1_000_000
        )

    @property
    def expectation(self) -> str:
        """Return what a text must be, in words."""
        return (
            f"a date and time in ISO 8601 such as 2015-07-16T14:45, in local time of {self.zone.key} if without a zone"
        )

    def show(self, value: int) -> str:
        """Return the local time in ISO 8601; words if it is outside the years 1 to 9999."""
        try:
            return (_EPOCH + datetime.timedelta(seconds=value // self.units)).isoformat(sep=" ")
        except OverflowError:
            return "outside the years 1 to 9999"

    @property
    def units(self) -> int:
        """Return the column's units per second."""
        return dates.EPOCHS[self.written]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimePart:
    """A column that is a part of another column's time."""

    name: str  # of the column
    source: str  # of the time column
    part: str  # one of PARTS

    def compute(self, value: Any, units: int) -> Any:
        """Compute the part.

        Args:
            value: of the time column: a whole number, or an int64 array.
            units: the time column's units per second.

        Returns:
            The part, of the same shape.
        """
        second = value // units
        return PARTS[self.part](second // _DAY_SECONDS, second % _DAY_SECONDS)

    def expectation(self, time: int, clock: WallClock) -> str:
        """Return the value that a time requires, in words."""
        right = self.compute(time, clock.units)
        return f"{right}, the {self.part} of {self.source} {time} ({clock.show(time)}), or nothing"


def _month(day: Any) -> Any:
    """Return the month, 1 to 12, of days since 1970-01-01 in the Gregorian calendar.

    Years are counted from March on, so that a leap day ends one: 400 years have 146,097 days, and five months from
    March on have 153 (E. G. Richards, "Calendars", in the Explanatory Supplement to the Astronomical Almanac, 2013).
    """
    day_of_era = (day + 719_468) % 146_097  # 719,468 days from 0000-03-01 to 1970-01-01
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    return ((5 * day_of_year + 2) // 153 + 2) % 12 + 1


PARTS: dict[str, Callable[[Any, Any], Any]] = {  # of days since 1970 and the second of the day; 1970-01-01: a Thursday
    "hour": lambda day, second: second // 3600,
    "minute": lambda day, second: second // 60 % 60,
    "weekday (Sunday is 1)": lambda day, second: (day + 4) % 7 + 1,
    "weekday (Monday is 1)": lambda day, second: (day + 3) % 7 + 1,
    "weekday (Monday is 0)": lambda day, second: (day + 3) % 7,
    "month": lambda day, second: _month(day),
}


def find_wall_clock(name: str, tags: Iterable[str], written: str | None) -> WallClock | None:
    """Find the clock of a time column; return None for a column without a zone.

    Args:
        name: of the column.
        tags: of its annotation.
        written: its format; see serving.contract.dates.

    Returns:
        The clock.

    Raises:
        ValueError: There is no such zone, or the column does not count seconds or milliseconds.
    """
    zones = [tag.removeprefix(ZONE_TAG) for tag in tags if tag.startswith(ZONE_TAG)]
    if not zones:
        return None
    if len(zones) > 1 or written not in dates.EPOCHS:
        raise ValueError(
            f"the time zone of {name} cannot be used: expected one tag {ZONE_TAG}ZONE, and a tag date:FORMAT or "
            f"span_time:FORMAT with {' or '.join(dates.EPOCHS)}, received {', '.join(zones)} and "
            f"{written or 'no format'}; change the tags."
        )
    try:
        zone = zoneinfo.ZoneInfo(zones[0])
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise ValueError(
            f"the time zone of {name} is unknown: expected a name of the IANA time zone database, such as "
            f"America/Chicago, received {zones[0]!r}; correct the tag {ZONE_TAG}ZONE, or install tzdata."
        ) from error
    return WallClock(zone=zone, written=written)


def find_time_part(name: str, tags: Iterable[str], type_name: str) -> TimePart | None:
    """Find the part of a time that a column holds; return None for any other column.

    Args:
        name: of the column.
        tags: of its annotation.
        type_name: its type, as the schema's FeatureType names it.

    Returns:
        The part.

    Raises:
        ValueError: The part is unknown, or the column does not hold whole numbers.
    """
    said = [tag.removeprefix(PART_TAG) for tag in tags if tag.startswith(PART_TAG)]
    if not said:
        return None
    source, _, part = said[0].partition(" ")
    if len(said) > 1 or part not in PARTS or type_name != "INT":
        raise ValueError(
            f"the time part {name} is invalid: expected the type INT and one tag {PART_TAG}COLUMN PART, where PART is "
            f"one of {'; '.join(PARTS)}, received the type {type_name} and {', '.join(said)}; change the tag."
        )
    return TimePart(name=name, source=source, part=part)
