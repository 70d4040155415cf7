"""Check a label's texts: no spelling of "missing", no single words among numbers, one spelling of each class."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.csv_example_gen.reading_rules import USUAL_MISSING_CELLS
from components.csv_example_gen.records import records
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.missing_cells import AMBIGUOUS

# In lower case, without spaces around them: the spellings that can be no class, and the errors of spreadsheets.
_MISSING = {spelling.lower() for spelling in USUAL_MISSING_CELLS - AMBIGUOUS} | {"", "#null!", "#value!", "#div/0!"}
_MOSTLY = 0.9  # share of the rows: a label with this many numbers is a number
_MANY_NUMBERS = 20  # different ones; with fewer, numbers and words may all be classes
_SHOWN = 12  # spellings


def describe_place(file: Path, column: int, row: int) -> str:
    """Name a row and the line on which it begins, and quote one of its cells.

    Args:
        file: A file with a header.
        column: Index of the cell's column, from 0.
        row: Index of the row, from 0, without the header.

    Returns:
        Such as `row 3 (line 4, 'NA')`.
    """
    line, cells = next(itertools.islice(records(str(file)), row + 1, None))
    held = f", {cells[column]!r}" if cells[column].strip() else ""
    return f"row {row + 1} (line {line}{held})"


def check_text_label(label: str, values: pd.Series, place: Callable[[int], str]) -> None:
    """Check the texts of a label.

    Args:
        label: Name of the column.
        values: Texts, none missing.
        place: Describes the place of a row in its file; takes its index among the values, from 0.

    Raises:
        ScaffoldError: A text means "missing", nearly all texts are numbers and some are not, or one class has several
            spellings.
    """
    plain = values.str.strip().str.lower()
    if (gaps := plain.isin(_MISSING)).any():
        raise ScaffoldError(
            f"label {label}: expected a value in every row, received {_first(values, gaps)!r} in {gaps.sum():,} of "
            f"{len(values):,} rows, the first of them {place(_place(gaps))}, which means that the value is missing. "
            "Remove those rows: a model cannot learn from a row without a label."
        )
    numbers = pd.to_numeric(values, errors="coerce")
    words = numbers.isna()
    if words.any() and words.mean() <= 1 - _MOSTLY and numbers.nunique() > _MANY_NUMBERS:
        raise ScaffoldError(
            f"label {label}: expected numbers, as in {len(values) - words.sum():,} of {len(values):,} rows, received "
            f"{_first(values, words)!r} in {place(_place(words))}. Correct the cell, or remove the row."
        )
    if several := list_spellings(values):
        raise ScaffoldError(
            f"label {label}: expected one spelling of each class, received some that differ only in case or spaces, "
            f"with their number of rows: {several}. Write each class in one way."
        )


def list_spellings(values: pd.Series) -> str:
    """List the texts that differ only in case or spaces, with their numbers of rows; empty if there are none."""
    plain = values.str.strip().str.lower()
    spellings = values.groupby(plain).nunique()
    counts = values[plain.isin(spellings[spellings > 1].index)].value_counts()
    listed = ", ".join(f"{text!r} ({count:,})" for text, count in counts.head(_SHOWN).items())
    return f"{listed} and others" if len(counts) > _SHOWN else listed


def _place(rows: pd.Series) -> int:
    return int(rows.to_numpy().argmax())


def _first(values: pd.Series, rows: pd.Series) -> str:
    return str(values[rows].iloc[0])
