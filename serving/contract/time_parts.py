"""Times of requests, and the columns that hold parts of them: the hour, the weekday, the month.

The time column's tag `time_zone:America/Chicago` says whose wall clock its seconds count. A request may then say the
time in ISO 8601 instead. A tag `part_of:trip_start_timestamp hour` says that a column is a part of that time: a request
may leave it out, and must not contradict the time. All arithmetic is on whole numbers, so that it takes NumPy's arrays
as well.
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
    """A text is no date and time in ISO 8601, or none that the calendar has."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WallClock:
    """How a column counts the time of a clock on a wall."""

    zone: zoneinfo.ZoneInfo  # where it hangs
    written: str  # EPOCH_SECONDS or EPOCH_MILLISECONDS

    def read(self, text: str) -> int:
        """Read a date and time in ISO 8601 as the column's whole number, cut to it.

        One without a zone is what the clock shows.

        Raises:
            IsoTimeError: The text is no date and time in ISO 8601.
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
        """What a text has to be, in words."""
        return f"a date and time in ISO 8601 such as 2015-07-16T14:45, by the clocks of {self.zone.key} without a zone"

    def show(self, value: int) -> str:
        """The time in ISO 8601, as the clock showed it; words for one outside the years 1 to 9999."""
        try:
            return (_EPOCH + datetime.timedelta(seconds=value // self.units)).isoformat(sep=" ")
        except OverflowError:
            return "outside the years 1 to 9999"

    @property
    def units(self) -> int:
        """Units of the column in a second."""
        return dates.EPOCHS[self.written]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimePart:
    """A column that is a part of another one's time."""

    name: str  # of the column
    source: str  # the time column
    part: str  # one of PARTS

    def compute(self, value: Any, units: int) -> Any:
        """The part.

        Args:
            value: of the time column, a whole number or an array of them, int64.
            units: of the time column in a second.
        """
        second = value // units
        return PARTS[self.part](second // _DAY_SECONDS, second % _DAY_SECONDS)

    def expectation(self, time: int, clock: WallClock) -> str:
        """What the column has to say of a time, in words."""
        right = self.compute(time, clock.units)
        return f"{right}, the {self.part} of {self.source} {time} ({clock.show(time)}), or nothing"


def _month(day: Any) -> Any:
    """The month, 1 to 12, of days since 1970-01-01 in the Gregorian calendar.

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
    """Find whose clock a column counts; None for one that does not say.

    Args:
        name: of the column.
        tags: of its annotation.
        written: its format; see serving.contract.dates.

    Raises:
        ValueError: There is no such zone, or the column does not count seconds.
    """
    zones = [tag.removeprefix(ZONE_TAG) for tag in tags if tag.startswith(ZONE_TAG)]
    if not zones:
        return None
    if len(zones) > 1 or written not in dates.EPOCHS:
        raise ValueError(
            f"it does not say how {name} counts time: expected one tag {ZONE_TAG}… of a column whose tag date:… or "
            f"span_time:… says {' or '.join(dates.EPOCHS)}, received {', '.join(zones)} and {written or 'no format'}; "
            "change the tags."
        )
    try:
        zone = zoneinfo.ZoneInfo(zones[0])
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise ValueError(
            f"it names a zone for {name} that is not known here: expected a name of the IANA time zone database, such "
            f"as America/Chicago, received {zones[0]!r}; correct the tag {ZONE_TAG}…, or install tzdata."
        ) from error
    return WallClock(zone=zone, written=written)


def find_time_part(name: str, tags: Iterable[str], type_name: str) -> TimePart | None:
    """Find which part of which time a column is; None for any other column.

    Args:
        name: of the column.
        tags: of its annotation.
        type_name: its type, as the schema's FeatureType calls it.

    Raises:
        ValueError: The part is not known, or the column holds no whole numbers.
    """
    said = [tag.removeprefix(PART_TAG) for tag in tags if tag.startswith(PART_TAG)]
    if not said:
        return None
    source, _, part = said[0].partition(" ")
    if len(said) > 1 or part not in PARTS or type_name != "INT":
        raise ValueError(
            f"it does not say which part of a time {name} is: expected the type INT and one tag {PART_TAG}COLUMN PART, "
            f"with a PART of {'; '.join(PARTS)}, received the type {type_name} and {', '.join(said)}; change the tag."
        )
    return TimePart(name=name, source=source, part=part)
