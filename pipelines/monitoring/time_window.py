"""The window of time that monitoring judges, and the window before it."""

import dataclasses
import datetime

from pipelines.config import ConfigError
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.windows import parse_length

_WEEK = datetime.timedelta(weeks=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeWindow:
    """A window of time.

    The window before begins a whole number of weeks earlier. Both hold the same hours of the same weekdays, so that
    weekly patterns do not count as changes.
    """

    end: datetime.datetime  # first moment after it, with time zone
    length: datetime.timedelta
    fair_mix: bool = False  # the user says that hours and weekdays have the same shares as in training

    @property
    def start(self) -> datetime.datetime:
        """The first moment of the window."""
        return self.end - self.length

    @property
    def shift(self) -> datetime.timedelta:
        """The time from the window before to this one: the fewest whole weeks with which they do not overlap."""
        return -(-self.length // _WEEK) * _WEEK

    @property
    def before(self) -> tuple[datetime.datetime, datetime.datetime]:
        """The first moment of the window before, and the first moment after it."""
        return self.start - self.shift, self.end - self.shift

    @property
    def fair(self) -> bool:
        """Whether hours and weekdays have the same shares as in training: in whole weeks, or if the user says so."""
        return self.fair_mix or not self.length % _WEEK


def parse_duration(text: str) -> datetime.timedelta:
    """Return the duration that a text such as 90m, 12h, 7d or 2w names.

    Args:
        text: a number and a unit.

    Raises:
        ConfigError: The text is no duration, or one of 0 or of more than a century.
    """
    try:
        return parse_length(text.strip())
    except ProductionMetricsError as error:
        raise ConfigError(f"window: {error}") from error


def parse_moment(text: str) -> datetime.datetime | None:
    """Return the moment that a text in ISO 8601 names, in UTC; None for "now".

    Args:
        text: the moment; in UTC if it names no time zone.

    Raises:
        ConfigError: The text is no moment.

    Example:
        >>> str(parse_moment("2026-03-01T06:00+02:00"))
        '2026-03-01 04:00:00+00:00'
    """
    if text == "now":
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"until: expected now or a moment such as 2026-03-01T06:00, received {text!r}") from error
    return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
