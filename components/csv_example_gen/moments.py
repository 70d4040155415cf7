"""Moments that can be compared: numbers, and dates and times as text."""

import datetime
import re

from serving.contract import dates

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_MONTH = re.compile(r"\d{4}-\d{2}")  # ISO 8601 as well, which fromisoformat does not take
EXAMPLES = "a number, or ISO 8601 such as 2024-01-31 or 2024-01-31T23:59:59Z"


def read_moment(value: float | bytes, written: str = "") -> float:
    """Return a number that grows with time.

    Args:
        value: a number, or a date or time in UTF-8; one without a zone counts as UTC.
        written: how the contract says that dates are written, see serving.contract.dates; empty where it does not.

    Returns:
        Seconds since 1970 (UTC) of what is written so. Else the value itself, or microseconds since 1970 of a text.

    Raises:
        ValueError: The value is not written so, or the text is not ISO 8601.
    """
    if written and written not in dates.EPOCHS:
        moment = dates.parse(value.decode() if isinstance(value, bytes) else str(value), written)
        if moment is None:
            raise ValueError(value)
        return 86400 * moment.day + moment.second - moment.offset
    return (_parse(value) - _EPOCH) // _MICROSECOND if isinstance(value, bytes) else value


def names_zone(value: float | bytes, written: str = "") -> bool:
    """Tell whether a text says its offset from UTC; the arguments are those of `read_moment`.

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
