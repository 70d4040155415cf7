"""A window of time, and the one before it."""

import dataclasses
import datetime

from pipelines.config import ConfigError
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.windows import parse_length

_WEEK = datetime.timedelta(weeks=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeWindow:
    """A window of time.

    The window before it begins a whole number of weeks earlier, so that both hold the same hours of the same weekdays:
    what changes with them each week is no change.
    """

    end: datetime.datetime  # first moment after it, with time zone
    length: datetime.timedelta
    fair_mix: bool = False  # the caller says that hours and weekdays have their natural shares

    @property
    def start(self) -> datetime.datetime:
        """Its first moment."""
        return self.end - self.length

    @property
    def shift(self) -> datetime.timedelta:
        """How much earlier the window before it is: the fewest whole weeks that keep the two apart."""
        return -(-self.length // _WEEK) * _WEEK

    @property
    def before(self) -> tuple[datetime.datetime, datetime.datetime]:
        """First moment of the window before, and the first after it."""
        return self.start - self.shift, self.end - self.shift

    @property
    def fair(self) -> bool:
        """Whether hours and weekdays have the shares that they have in training: whole weeks, or the caller says so."""
        return self.fair_mix or not self.length % _WEEK


def parse_duration(text: str) -> datetime.timedelta:
    """Reads a duration such as 90m, 12h, 7d or 2w.

    Raises:
        ConfigError: It is none, or none that is longer than nothing.
    """
    try:
        return parse_length(text.strip())
    except ProductionMetricsError as error:
        raise ConfigError(f"window: {error}") from error


def parse_moment(text: str) -> datetime.datetime | None:
    """Reads a moment in ISO 8601, in UTC where it names no time zone, and gives it in UTC; None for "now".

    Raises:
        ConfigError: It is none.
    """
    if text == "now":
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"until: expected now or a moment such as 2026-03-01T06:00, received {text!r}") from error
    return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
