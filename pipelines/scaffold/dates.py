"""Recognise columns of dates and times, and choose the parts that become features."""

import dataclasses
import itertools
import re
from collections.abc import Sequence

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.headings import last_word, names_a_code
from serving.contract import dates
from serving.csv_text.lines import shorten

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%d %b %Y", "%d-%b-%Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y", "%Y%m%d",
)  # fmt: skip
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%b-%Y")
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M%z", "%H:%M:%S%z", "%H:%M:%S %z")
_FORMATS = (*_DAYS, *_MONTHS, *_TIMES[:4], *(f"{day} {time}" for day, time in itertools.product(_DAYS, _TIMES)))
_MOSTLY = 0.5  # share of the rows: a column with more dates is no category
_LOOKED_AT = 50  # texts that are tried first, which rules out most formats
_TWO_DIGIT_YEAR = re.compile(r"^(\d{1,2}[./-]\d{1,2}[./-])(\d{2})(?=$| )")
# Whole numbers between these are read as seconds since 1970: 1990 to 2040.
_EPOCH_FIRST, _EPOCH_LAST = 631_152_000, 2_208_988_800
_YEARS = (1900, 2100)  # years of dates written as eight digits
_TIME_WORDS = frozenset({
    "time", "timestamp", "date", "datetime", "day", "ts", "epoch", "at", "on", "created", "updated", "modified",
    "start", "end", "seen", "since", "seconds", "ms", "millis",
})  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class DateColumn:
    """A column of dates.

    Attributes:
        written: The format; see serving.contract.dates.
        parts: Those of pipelines.modeling.dates.PARTS that differ from row to row.
        trend: Days since 1970, for each row that has a value.
    """

    written: str
    parts: tuple[str, ...]
    trend: pd.Series


def recognise_dates(name: str, heading: str, kind: CellKind, present: pd.Series) -> DateColumn | None:
    """Recognise a column whose values are all dates or times in one format.

    Args:
        name: Name of the column in the task, for the error.
        heading: Heading in the file; it decides whether whole numbers can be times.
        kind: Type of the column.
        present: The values, without missing ones.

    Returns:
        None if the column holds no dates.

    Raises:
        ScaffoldError: Day and month can be read in either order.
    """
    if kind is CellKind.INT:
        formats = _formats_of_numbers(heading, present)
    elif kind is CellKind.BYTES:
        formats = _FORMATS
    else:
        return None
    texts = present.astype(str)
    different = texts.unique()
    fitting = _fitting(different, formats)
    if not fitting:
        return None
    _require_one_reading(name, different, fitting)
    written = fitting[0]
    moments = {text: dates.parse(text, written) for text in different}
    return DateColumn(
        written=written,
        parts=_choose_parts(written, [moment for moment in moments.values() if moment]),
        trend=texts.map({text: moment.trend for text, moment in moments.items() if moment}),
    )


def is_time_of_day(written: str) -> bool:
    """Return whether a format has a time and no date.

    Example:
        >>> is_time_of_day("%H:%M"), is_time_of_day("%Y-%m-%d %H:%M")
        (True, False)
    """
    return "%M" in written and "%Y" not in written


def are_dates(different: Sequence[str]) -> bool:
    """Return whether all texts are dates or times in one format."""
    return bool(_fitting(different, _FORMATS))


def explain_near_dates(present: pd.Series) -> str:
    """Say which text keeps a column from being dates.

    Args:
        present: The texts, without missing ones; the index counts the rows from 0.

    Returns:
        Empty unless most texts are dates.
    """
    texts = present.astype(str)
    written, fits = _find_most(texts)
    if written:
        first = texts[~fits].index[0]
        more = f", nor are {count:,} others" if (count := int((~fits).sum()) - 1) else ""
        return (
            f"{fits.sum():,} of {len(texts):,} values are dates written {written}, and {shorten(texts[first])} in row "
            f"{first + 1} is not{more}; write it so, or leave it empty"
        )
    full = texts.map(lambda text: _TWO_DIGIT_YEAR.sub(r"\g<1>20\2", text))
    if _find_most(full[full != texts])[0] and (full != texts).mean() > _MOSTLY:
        return "dates with a year of two digits; write four, as in 2024-04-12"
    return ""


def _find_most(texts: pd.Series) -> tuple[str, pd.Series]:
    """Return the format that most texts have, or an empty string, and for each text whether it has that format."""
    different = texts.unique()
    best, most = "", pd.Series(False, index=texts.index)
    for written in _FORMATS:
        # If most texts have a format, at least one of the texts tried here has it.
        if any(dates.parse(text, written) for text in different[:: max(1, len(different) // _LOOKED_AT)]):
            fits = texts.isin([text for text in different if dates.parse(text, written)])
            if fits.mean() > max(_MOSTLY, most.mean()):
                best, most = written, fits
    return best, most


def _formats_of_numbers(heading: str, present: pd.Series) -> Sequence[str]:
    """Return the date formats in which all of the whole numbers can be read."""
    least, greatest = int(present.min()), int(present.max())
    if _YEARS[0] <= least // 10_000 and greatest // 10_000 < _YEARS[1]:
        return ("%Y%m%d",)
    if names_a_code(heading):
        return ()
    for written, units in dates.EPOCHS.items():
        # Ten digits (seconds) are a time only if the heading says so; longer numbers in range are hardly anything else.
        said = last_word(heading) in _TIME_WORDS or units > 1
        if said and _EPOCH_FIRST * units <= least and greatest < _EPOCH_LAST * units:
            return (written,)
    return ()


def _fitting(different: Sequence[str], formats: Sequence[str]) -> list[str]:
    first = [written for written in formats if dates.parse(different[0], written)]
    return [written for written in first if all(dates.parse(text, written) for text in different)]


def _require_one_reading(name: str, different: Sequence[str], fitting: Sequence[str]) -> None:
    for text in different:
        readings = {written: dates.parse(text, written) for written in fitting}
        one, other = fitting[0], next((w for w in fitting if readings[w] != readings[fitting[0]]), "")
        if other:
            days = [moment.date for moment in (readings[one], readings[other]) if moment]
            raise ScaffoldError(
                f"column {name}: expected dates that can be read in one way, received {text!r}, which is "
                f"{days[0]:%-d %B %Y} ({one}) or {days[1]:%-d %B %Y} ({other}), and no row tells which. Write the "
                "column as year-month-day, as in 2024-04-12, or remove it."
            )


def _choose_parts(written: str, moments: Sequence[dates.Moment]) -> tuple[str, ...]:
    """Choose the parts that differ: trend, weekday, month and hour; of times without a date, the minutes."""
    calendar = "%Y" in written or written in dates.EPOCHS
    has_day = "%d" in written or written in dates.EPOCHS
    has_time = "%M" in written or written in dates.EPOCHS
    differs = {
        "minutes": is_time_of_day(written) and len({moment.second for moment in moments}) > 1,
        "trend": calendar and len({moment.trend for moment in moments}) > 1,
        "weekday": calendar and has_day and len({moment.day % 7 for moment in moments}) > 1,
        "month": calendar and len({moment.date.month for moment in moments}) > 1,
        "hour": has_time and len({moment.second // 3600 for moment in moments}) > 1,
    }
    parts = [part for part, does in differs.items() if does]
    return tuple(parts + [f"{part}_{wave}" for part in ("month", "hour") if differs[part] for wave in ("sin", "cos")])
