"""Read dates and times in a column.

A format is written with strftime's codes, such as `%d.%m.%Y %H:%M`. EPOCH_SECONDS and EPOCH_MILLISECONDS stand for
whole numbers since 1970. The regular expressions mean the same in Python and in RE2, so TensorFlow reads the same texts
(pipelines/modeling/dates.py). Unlike strptime, they accept `T` or a blank before a time, a fraction of a second, a zone
without minutes, and an abbreviated month with a full stop.
"""

import dataclasses
import datetime
import functools
import re
from collections.abc import Iterable

EPOCH_SECONDS, EPOCH_MILLISECONDS = "epoch seconds", "epoch milliseconds"
EPOCHS = {EPOCH_SECONDS: 1, EPOCH_MILLISECONDS: 1000}  # format -> units per second
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The rest of each month's name, which is optional. Each letter is a class of both cases, because an expression that
# ignores case would match `ſ` for an s.
_ENDINGS = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "t|tember", "ober", "ember", "ember")
_NAMES = (f"{month}(?:{ending})?" if ending else month for month, ending in zip(MONTHS, _ENDINGS, strict=True))
_MONTH_NAME = re.sub("[a-z]", lambda letter: f"[{letter[0].upper()}{letter[0]}]", "|".join(_NAMES))
_CODES = {
    "%Y": "([12][0-9]{3})",
    "%m": "(0?[1-9]|1[0-2])",
    "%b": f"({_MONTH_NAME})[.]?",
    "%d": "(0?[1-9]|[12][0-9]|3[01])",
    "%H": "([01]?[0-9]|2[0-3])",
    "%I": "(0?[1-9]|1[0-2])",
    "%M": "([0-5][0-9])",
    "%S": "([0-5][0-9])(?:[.,][0-9]+)?",
    "%p": "([AaPp])[.]?[Mm][.]?",
    "%z": "(?:[Zz]|UTC|([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?)",
}
_SAME_FIELD = {"%b": "%m", "%I": "%H"}  # code -> another code for the same field; a format has only one of them
_TYPES = ("INT", "BYTES")  # of the schema
_TAG = "date:"  # of a column of the contract
_BEFORE_TIME = "\x1f"  # stands for the separator of day and time
_SHOWN = datetime.datetime(2022, 2, 28, 14, 45, tzinfo=datetime.UTC)  # in messages
_GROUPS = {"%z": ("sign", "zone hours", "zone minutes")}  # codes with more than one group


@dataclasses.dataclass(frozen=True)
class Moment:
    """A point in time, in local calendar and clock time."""

    day: int  # since 1970-01-01
    second: int  # of the day
    offset: int = 0  # seconds that the local clock is ahead of UTC; 0 also if the format has no zone

    @property
    def trend(self) -> float:
        """Return the days since 1970 in UTC, with fraction."""
        return self.day + (self.second - self.offset) / 86400

    @property
    def date(self) -> datetime.date:
        """Return the calendar date."""
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=self.day)


@functools.cache
def regex(written: str) -> str:
    """Return a format's regular expression for a whole text, with a group for each of groups(written).

    Args:
        written: the format.

    Returns:
        The expression.

    Raises:
        KeyError: The format has a code that is not in _CODES.
    """
    parts = re.split(r"(%.)", re.sub("[T ](?=%[HI])", _BEFORE_TIME, written))
    return " *" + "".join(_CODES[part] if part.startswith("%") else _literal(part) for part in parts) + " *"


def find_format(name: str, tags: Iterable[str], type_name: str) -> str:
    """Find the format of a column's dates among its tags; return "" for a column without dates.

    Args:
        name: of the column.
        tags: of its annotation in the contract.
        type_name: its type, as the schema's FeatureType names it.

    Returns:
        The format.

    Raises:
        ValueError: There are two formats, or the format is unknown, or not possible for a column of this type.
    """
    written = [tag.removeprefix(_TAG) for tag in tags if tag.startswith(_TAG)]
    if not written:
        return ""
    if len(written) > 1 or not _is_format(written[0]):
        raise ValueError(
            f"the format of dates of {name} is invalid: expected one tag {_TAG}FORMAT with codes of strftime, such as "
            f"{_TAG}%Y-%m-%d, each once, %m or %b, %H or %I, and %I with %p, "
            f"received {', '.join(written)}; change the tag."
        )
    allowed = _TYPES[:1] if written[0] in EPOCHS else _TYPES
    if type_name not in allowed:
        raise ValueError(
            f"{name} has the tag {_TAG}{written[0]} and the type {type_name}: expected {' or '.join(allowed)}, which "
            "can store such dates; change the type, or the tag."
        )
    return written[0]


def _is_format(written: str) -> bool:
    if written in EPOCHS:
        return True
    codes = re.findall("%.?", written)
    are_known = bool(codes) and all(code in _CODES for code in codes)
    fields = [_SAME_FIELD.get(code, code) for code in codes]
    return are_known and len(fields) == len(set(fields)) and ("%I" in codes) == ("%p" in codes)


def groups(written: str) -> tuple[str, ...]:
    """Return what the groups of the regular expression hold, in order: a code, or a part of the zone."""
    return tuple(group for code in re.findall("%.", written) for group in _GROUPS.get(code, (code,)))


def parse(text: str, written: str) -> Moment | None:
    """Parse a text, or a whole number in digits; return None if the format or the date does not fit.

    Args:
        text: the cell.
        written: the format.

    Returns:
        The moment, or None.

    Example:
        >>> parse("16.07.2015 14:45", "%d.%m.%Y %H:%M").date
        datetime.date(2015, 7, 16)
    """
    if written in EPOCHS:
        if not re.fullmatch("-?[0-9]+", text):
            return None
        return Moment(*divmod(int(text) // EPOCHS[written], 86400))
    found = re.fullmatch(regex(written), text)
    if not found:
        return None
    fields = dict(zip(groups(written), found.groups(), strict=True))
    month = MONTHS.index(fields["%b"][:3].lower()) + 1 if "%b" in fields else int(fields.get("%m", 1))
    try:
        date = datetime.date(int(fields.get("%Y", 1970)), month, int(fields.get("%d", 1)))
    except ValueError:
        return None
    hour = int(fields.get("%H", 0))
    if "%I" in fields:
        hour = int(fields["%I"]) % 12 + (12 if fields["%p"].lower() == "p" else 0)
    second = 3600 * hour + 60 * int(fields.get("%M", 0)) + int(fields.get("%S", 0))
    ahead = 3600 * int(fields.get("zone hours") or 0) + 60 * int(fields.get("zone minutes") or 0)
    return Moment((date - datetime.date(1970, 1, 1)).days, second, -ahead if fields.get("sign") == "-" else ahead)


def describe(written: str, *, as_number: bool = False) -> str:
    """Describe a format with an example, for messages.

    Args:
        written: the format.
        as_number: whether the column holds whole numbers, which have no leading zeros.

    Returns:
        A noun.

    Example:
        >>> describe("%d.%m.%Y")
        'a date or time written %d.%m.%Y, such as 28.02.2022'
    """
    shown = str(int(_SHOWN.timestamp()) * EPOCHS[written]) if written in EPOCHS else _SHOWN.strftime(written)
    return f"a date or time written {written}, such as {int(shown) if as_number else shown}"


def _literal(text: str) -> str:
    return re.escape(text).replace(_BEFORE_TIME, "[T ]")
