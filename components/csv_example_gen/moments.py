"""Convert numbers, dates and times to numbers that can be compared as moments."""

import datetime
import re

from serving.contract import dates

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_MONTH = re.compile(r"\d{4}-\d{2}")  # valid in ISO 8601, but fromisoformat refuses it
EXAMPLES = "a number, or ISO 8601 such as 2024-01-31 or 2024-01-31T23:59:59Z"


def read_moment(value: float | bytes, written: str = "") -> float:
    """Return a number that grows with time.

    Args:
        value: a number, or a date or time as UTF-8 text; UTC if it has no zone.
        written: the contract's format of dates, see serving.contract.dates; empty if it has none.

    Returns:
        With a format that is not an epoch, seconds since 1970 (UTC). Else the number itself, or microseconds since 1970
        (UTC) for an ISO 8601 text.

    Raises:
        ValueError: The value is not in the format, or the text is not ISO 8601.

    Example:
        >>> read_moment(b"1970-01-02"), read_moment(1437057900)
        (86400000000, 1437057900)
    """
    if written and written not in dates.EPOCHS:
        moment = dates.parse(value.decode() if isinstance(value, bytes) else str(value), written)
        if moment is None:
            raise ValueError(value)
        return 86400 * moment.day + moment.second - moment.offset
    return (_parse(value) - _EPOCH) // _MICROSECOND if isinstance(value, bytes) else value


def names_zone(value: float | bytes, written: str = "") -> bool:
    """Return whether a value has an offset from UTC.

    Args:
        value: a number, or a date or time as UTF-8 text.
        written: the contract's format of dates; empty if it has none.

    Raises:
        ValueError: The text is not ISO 8601.
    """
    if written:
        return "%z" in written
    return isinstance(value, bytes) and _fromisoformat(value).tzinfo is not None


def _parse(value: bytes) -> datetime.datetime:
    moment = _fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _fromisoformat(value: bytes) -> datetime.datetime:
    text = value.decode()
    return datetime.datetime.fromisoformat(f"{text}-01" if _MONTH.fullmatch(text) else text)
