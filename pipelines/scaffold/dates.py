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

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y",
    "%d %b %Y", "%d-%b-%Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y", "%Y%m%d",
)  # fmt: skip
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%b-%Y")
_TIMES = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M%z", "%H:%M:%S%z", "%H:%M:%S %z")
_FORMATS = (*_DAYS, *_MONTHS, *_TIMES[:4], *(f"{day} {time}" for day, time in itertools.product(_DAYS, _TIMES)))
_MOSTLY = 0.95  # of the rows: with as many dates, the others are slips
_TWO_DIGIT_YEAR = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}(?: .*)?")
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


def are_dates(different: Sequence[str]) -> bool:
    """Whether all of some texts are dates or times, written in one way."""
    return bool(_fitting(different, _FORMATS))


def explain_near_dates(present: pd.Series) -> str:
    """Says what keeps a column of texts from being dates; empty where most of them are none anyway."""
    texts = present.astype(str)
    if all(_TWO_DIGIT_YEAR.fullmatch(text) for text in texts.unique()):
        return "dates with a year of two digits; write four, as in 2024-04-12"
    for written in _FORMATS:
        if not dates.parse(texts.iloc[0], written) and not dates.parse(texts.iloc[-1], written):
            continue
        others = texts[[dates.parse(text, written) is None for text in texts]]
        if len(others) <= (1 - _MOSTLY) * len(texts):
            return (
                f"{len(texts) - len(others):,} of {len(texts):,} values are dates written {written}, and "
                f"{others.iloc[0]!r} in row {others.index[0] + 1} is not; write it so, or leave it empty"
            )
    return ""


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
    """Chooses what differs: the trend, and the places in week, year and day."""
    calendar = "%Y" in written or written in dates.EPOCHS
    has_day = "%d" in written or written in dates.EPOCHS
    has_time = "%M" in written or written in dates.EPOCHS
    differs = {
        "trend": calendar and len({moment.trend for moment in moments}) > 1,
        "weekday": calendar and has_day and len({moment.day % 7 for moment in moments}) > 1,
        "month": calendar and len({moment.date.month for moment in moments}) > 1,
        "hour": has_time and len({moment.second // 3600 for moment in moments}) > 1,
    }
    parts = [part for part, does in differs.items() if does]
    return tuple(parts + [f"{part}_{wave}" for part in ("month", "hour") if differs[part] for wave in ("sin", "cos")])
