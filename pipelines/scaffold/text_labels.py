"""What can be wrong with texts, above all those of a label: spellings of missing and of one class, and stray words."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from components.csv_example_gen.reading_rules import USUAL_MISSING_CELLS
from components.csv_example_gen.records import records
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.missing_cells import AMBIGUOUS

# In lower case, without blanks around them: the spellings that are classes nowhere, and the errors of spreadsheets.
_MISSING = {spelling.lower() for spelling in USUAL_MISSING_CELLS - AMBIGUOUS} | {"", "#null!", "#value!", "#div/0!"}
_MOSTLY = 0.9  # of the rows: a label with as many numbers is one of numbers
_MANY_NUMBERS = 20  # different ones; of fewer, the words may be classes beside them
_SHOWN = 12  # spellings


def describe_place(file: Path, column: int, row: int) -> str:
    """Says where a row begins in its file, and what one of its cells holds.

    Args:
        file: with a heading.
        column: of the cell, from 0.
        row: from 0, the heading not counted.
    """
    line, cells = next(itertools.islice(records(str(file)), row + 1, None))
    held = f", {cells[column]!r}" if cells[column].strip() else ""
    return f"row {row + 1} (line {line}{held})"


def check_text_label(label: str, values: pd.Series, place: Callable[[int], str]) -> None:
    """Checks the texts of a label, none of which is missing.

    Raises:
        ScaffoldError: Some say that there is no value, some are no numbers where nearly all are, or one class has
            several spellings.
    """
    plain = values.str.strip().str.lower()
    if (gaps := plain.isin(_MISSING)).any():
        raise ScaffoldError(
            f"label {label}: expected a value in every row, received {_first(values, gaps)!r} in {gaps.sum():,} of "
            f"{len(values):,} rows, the first of them {place(_place(gaps))}: it says that there is none, and is no "
            "class. Remove those rows: there is nothing to learn from them."
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
            f"label {label}: expected one spelling of each class, received some that differ in case or blanks only, "
            f"with their rows: {several}. Write each class in one way."
        )


def list_spellings(values: pd.Series) -> str:
    """Lists the texts that differ from another in case or blanks only, with their rows; empty where there are none."""
    plain = values.str.strip().str.lower()
    spellings = values.groupby(plain).nunique()
    counts = values[plain.isin(spellings[spellings > 1].index)].value_counts()
    listed = ", ".join(f"{text!r} ({count:,})" for text, count in counts.head(_SHOWN).items())
    return f"{listed} and others" if len(counts) > _SHOWN else listed


def _place(rows: pd.Series) -> int:
    return int(rows.to_numpy().argmax())


def _first(values: pd.Series, rows: pd.Series) -> str:
    return str(values[rows].iloc[0])
