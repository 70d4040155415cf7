"""Turn raw columns of any kind into numbers and categories for scikit-learn's models.

Nothing is chosen by hand or learned from the eval rows. Numbers stay numbers, texts become categories, dates become
parts of the calendar, and lists become a column of zeros and ones for each frequent item.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from serving.contract import dates

MOST_CATEGORIES = 200  # of a column; rarer values share one. scikit-learn's trees accept 255 at most
MOST_ITEMS = 30  # of a column of lists; rarer items are left out
_SEPARATORS = ("|", ";", ",")
_LEAST_LISTS = 0.1  # least share of texts with a separator in a column of lists
_FEW_NUMBERS = 20  # different whole numbers, up to which a linear model has a weight for each


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Rows as numbers and categories."""

    numbers: np.ndarray  # float64 [rows, n]; NaN if missing
    categories: np.ndarray  # int64 [rows, m]; -1 if missing, or not among the frequent values of the training rows
    few: tuple[int, ...]  # positions of the columns of numbers with few different whole numbers


def encode(train: pd.DataFrame, others: pd.DataFrame, written: Mapping[str, str]) -> tuple[Table, Table]:
    """Encode the training rows and other rows in the same way.

    Args:
        train: raw columns: numbers with NaN or NA, or texts with None. The categories are those of these rows.
        others: rows with the same columns.
        written: format of each column with dates; see serving.contract.dates.

    Returns:
        The tables of the training rows and of the other rows.
    """
    numbers: list[tuple[np.ndarray, np.ndarray]] = []
    categories: list[tuple[np.ndarray, np.ndarray]] = []
    few = []
    for name in train:
        here, there = train[name], others[name]
        if name in written:
            numbers += zip(_parts_of_dates(here, written[name]), _parts_of_dates(there, written[name]), strict=True)
        elif pd.api.types.is_numeric_dtype(here.dtype):
            if _is_few(here):
                few.append(len(numbers))
            numbers.append((_as_float(here), _as_float(there)))
        else:
            texts, other_texts = _as_texts(here), _as_texts(there)
            separator = _find_separator(texts)
            if separator:
                numbers += _encode_items(texts, other_texts, separator)
            else:
                categories.append(_encode_categories(texts, other_texts))
    # The length of a tuple made from a generator is not known to mypy.
    return tuple(  # type: ignore[return-value]
        Table(
            numbers=_stack([pair[side] for pair in numbers], len(rows), np.float64),
            categories=_stack([pair[side] for pair in categories], len(rows), np.int64),
            few=tuple(few),
        )
        for side, rows in enumerate((train, others))
    )


def _stack(columns: Sequence[np.ndarray], rows: int, dtype: type) -> np.ndarray:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0), dtype)


def _as_float(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype="float64", na_value=np.nan)


def _is_few(values: pd.Series) -> bool:
    present = values.dropna()
    return bool((present % 1 == 0).all()) and present.nunique() <= _FEW_NUMBERS


def _as_texts(values: pd.Series) -> pd.Series:
    """Return texts with None for missing ones; a cell with several values becomes one text."""
    return values.map(lambda cell: "|".join(map(str, cell)) if isinstance(cell, list) else cell).astype(object)


def _find_separator(texts: pd.Series) -> str:
    """Return the separator of a column of lists, which has more different texts than items; else an empty text."""
    different = pd.Series(texts.dropna().unique(), dtype=object)
    for separator in _SEPARATORS:
        holds = different.str.contains(separator, regex=False)
        if len(different) and holds.mean() >= _LEAST_LISTS:
            items = {item.strip() for text in different for item in text.split(separator)}
            if len(items) < len(different):
                return separator
    return ""


def _encode_items(texts: pd.Series, others: pd.Series, separator: str) -> list[tuple[np.ndarray, np.ndarray]]:
    lists, other_lists = (
        [set() if text is None else {item.strip() for item in text.split(separator)} for text in column]
        for column in (texts, others)
    )
    counts = pd.Series([item for items in lists for item in items if item], dtype=object).value_counts()
    return [
        (np.array([item in items for items in lists], float), np.array([item in items for items in other_lists], float))
        for item in counts.index[:MOST_ITEMS]
    ]


def _encode_categories(texts: pd.Series, others: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    known = texts.value_counts().index[:MOST_CATEGORIES]
    places = pd.Index(known)
    return places.get_indexer(texts).astype(np.int64), places.get_indexer(others).astype(np.int64)


def _parts_of_dates(values: pd.Series, written: str) -> list[np.ndarray]:
    """Return trend in days, day of the week, month, and second of the day, each [rows]; NaN without a date."""
    kinds = values.dropna().unique()
    moments = {kind: dates.parse(str(kind), written) for kind in kinds}
    nothing = (np.nan,) * 4
    parts = {
        kind: nothing
        if moment is None
        else (moment.trend, float(moment.date.weekday()), float(moment.date.month), float(moment.second))
        for kind, moment in moments.items()
    }
    rows = np.array([nothing if pd.isna(value) else parts[value] for value in values], dtype=np.float64).reshape(-1, 4)
    return list(rows.T)
