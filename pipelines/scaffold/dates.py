"""Recognises columns of dates and times, and chooses the parts that become features."""

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
_MOSTLY = 0.5  # of the rows: with more dates than that, a column is none of kinds
_LOOKED_AT = 50  # texts by which most formats are ruled out
_TWO_DIGIT_YEAR = re.compile(r"^(\d{1,2}[./-]\d{1,2}[./-])(\d{2})(?=$| )")
# What a whole number of seconds since 1970 lies between: 1990 to 2040.
_EPOCH_FIRST, _EPOCH_LAST = 631_152_000, 2_208_988_800
_YEARS = (1900, 2100)  # of dates that come as eight digits
_TIME_WORDS = frozenset({
    "time", "timestamp", "date", "datetime", "day", "ts", "epoch", "at", "on", "created", "updated", "modified",
    "start", "end", "seen", "since", "seconds", "ms", "millis",
})  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class DateColumn:
    """A column of dates.

    Attributes:
        written: the format; see serving.contract.dates.
        parts: of pipelines.modeling.dates.PARTS that differ from row to row.
        trend: of each row that has a value, days since 1970.
    """

    written: str
    parts: tuple[str, ...]
    trend: pd.Series


def recognise_dates(name: str, heading: str, kind: CellKind, present: pd.Series) -> DateColumn | None:
    """Reads a column as dates, where every value is one.

    Raises:
        ScaffoldError: Day and month can be read either way.
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
    """Whether a format has a time, and no date."""
    return "%M" in written and "%Y" not in written


def are_dates(different: Sequence[str]) -> bool:
    """Whether all of some texts are dates or times, written in one way."""
    return bool(_fitting(different, _FORMATS))


def explain_near_dates(present: pd.Series) -> str:
    """Says what keeps a column of texts from being dates; empty where most of them are none anyway.

    Args:
        present: the texts, without missing ones; the index counts the rows from 0.
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
    """Finds the format of most texts, and which are written so; an empty one where there is none."""
    different = texts.unique()
    best, most = "", pd.Series(False, index=texts.index)
    for written in _FORMATS:
        # Of a format that most texts have, some of so many have it.
        if any(dates.parse(text, written) for text in different[:: max(1, len(different) // _LOOKED_AT)]):
            fits = texts.isin([text for text in different if dates.parse(text, written)])
            if fits.mean() > max(_MOSTLY, most.mean()):
                best, most = written, fits
    return best, most


def _formats_of_numbers(heading: str, present: pd.Series) -> Sequence[str]:
    """Formats that all of the whole numbers could be written in."""
    least, greatest = int(present.min()), int(present.max())
    if _YEARS[0] <= least // 10_000 and greatest // 10_000 < _YEARS[1]:
        return ("%Y%m%d",)
    if names_a_code(heading):
        return ()
    for written, units in dates.EPOCHS.items():
        # Ten digits may be anything unless the heading says time; thirteen are hardly anything else.
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
    """Chooses what differs: the trend, the places in week, year and day, and the minutes of what is a time alone."""
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
