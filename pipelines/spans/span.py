"""Define Span: its name, its number, and the period of its rows."""

import dataclasses
import datetime
import re

from pipelines.spans.errors import SpanError

_EPOCH = datetime.date(1970, 1, 1)
_MONTHS = 12  # in a year
_NAME = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>\d{2})(?:-(?P<day>\d{2}))?)?")


@dataclasses.dataclass(frozen=True, order=True, kw_only=True)
class Span:
    """The rows of a period, or of a number, that are ingested together. Spans are ordered by their numbers.

    The number of a period is the number of days from 1970-01-01 to its first day, as TFX counts spans that are dates
    (tfx.components.example_gen.utils.date_to_span_number). A span that is a number, TFX's {SPAN}, has no period.
    """

    number: int
    name: str = dataclasses.field(compare=False)  # 2014, 2014Q1, 2014-01, 2014-01-31, or a number
    begin: datetime.date | None = dataclasses.field(default=None, compare=False)  # its first day
    end: datetime.date | None = dataclasses.field(default=None, compare=False)  # the day after its last day

    def __str__(self) -> str:
        return self.name


def span_of_period(
    year: int, *, quarter: int | None = None, month: int | None = None, day: int | None = None
) -> Span | None:
    """Return the span of a year, a quarter, a month or a day; None if the calendar has no such day.

    Args:
        year: such as 2014.
        quarter: 1 to 4.
        month: 1 to 12.
        day: 1 to 31; needs `month`.
    """
    try:
        if quarter is not None:
            first = 3 * (quarter - 1) + 1
            return _span(f"{year:04}Q{quarter}", datetime.date(year, first, 1), _first_of(year, first + 3))
        if day is not None and month is not None:
            begin = datetime.date(year, month, day)
            return _span(begin.isoformat(), begin, begin + datetime.timedelta(days=1))
        if month is not None:
            return _span(f"{year:04}-{month:02}", datetime.date(year, month, 1), _first_of(year, month + 1))
        return _span(f"{year:04}", datetime.date(year, 1, 1), _first_of(year + 1, 1))
    except (ValueError, OverflowError):
        return None


def span_of_number(number: int) -> Span:
    """Return the span that is a number: TFX's {SPAN}."""
    return Span(number=number, name=str(number))


def read_span(name: str, *, numbered: bool) -> Span:
    """Parse the name of a span.

    Args:
        name: such as 2014Q1.
        numbered: whether a name of only digits is a number; False: it is a year.

    Returns:
        The span.

    Raises:
        SpanError: It is not the name of a span.

    Example:
        >>> read_span("2014Q1", numbered=False).end
        datetime.date(2014, 4, 1)
    """
    if numbered and re.fullmatch(r"\d+", name):
        return span_of_number(int(name))
    found = _NAME.fullmatch(name)
    parts = {key: None if value is None else int(value) for key, value in found.groupdict().items()} if found else {}
    span = span_of_period(parts.pop("year") or 0, **parts) if found else None
    if span is None:
        raise SpanError(f"span {name!r}: expected a name such as 2014Q1, 2014-01, 2014-01-31, 2014, or a number")
    return span


def _span(name: str, begin: datetime.date, end: datetime.date) -> Span:
    return Span(number=(begin - _EPOCH).days, name=name, begin=begin, end=end)


def _first_of(year: int, month: int) -> datetime.date:
    return datetime.date(year + (month > _MONTHS), (month - 1) % _MONTHS + 1, 1)
