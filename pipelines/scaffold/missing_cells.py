"""Find the cells of a new task's columns that mean "missing", which its contract will list.

The usual spellings of "missing" are missing values, except where they are categories: the `-` of `+` and `-`, the
`none` of `none` and `mild`. The contract's list applies to every column, so a spelling has one meaning in all of them.
"""

import collections
from collections.abc import Collection, Mapping, Sequence

from components.csv_example_gen.csv_values import CellKind, has_leading_zero, kind_of
from components.csv_example_gen.reading_rules import USUAL_MISSING_CELLS
from pipelines.scaffold.column_cells import Cells
from pipelines.scaffold.dates import are_dates
from pipelines.scaffold.errors import ScaffoldError

AMBIGUOUS = frozenset({"-", "none", "None", "NONE", "?", "."})  # of the usual spellings
_LEAST_ROWS = 0.05  # share of the rows; a rarer spelling means "missing"
_MOST_KINDS = 20  # different other values of a column in which a spelling can be a value


def count_missing(
    columns: Sequence[Cells], missing: Collection[str] = USUAL_MISSING_CELLS
) -> dict[str, collections.Counter[str]]:
    """Count the spellings of "missing", by heading, without the columns that have none."""
    found = {
        column.heading: collections.Counter(cell for cell in map(str.strip, column.texts) if cell in missing)
        for column in columns
    }
    return {heading: spellings for heading, spellings in found.items() if spellings}


def find_values(
    columns: Sequence[Cells], kinds: Mapping[str, CellKind], text: Collection[str] = ()
) -> dict[str, collections.Counter[str]]:
    """Find the usual spellings of "missing" that are values.

    A spelling is a value if it is frequent in a column with few other texts, unless it means "missing" in another
    column. In a column that the user named as text, every spelling in AMBIGUOUS is a value.

    Args:
        columns: All columns of one file.
        kinds: Type by heading, with every usual spelling read as missing.
        text: Headings of columns that the user named as text.

    Returns:
        Heading -> spelling -> number of rows, without the columns that have none.

    Raises:
        ScaffoldError: A spelling in a column named as text means "missing" in another column.
    """
    counts = count_missing(columns, AMBIGUOUS)
    wanted = {
        column.heading: {*counts[column.heading]}
        if column.heading in text
        else _frequent_values(column, kinds[column.heading], counts[column.heading])
        for column in columns
        if column.heading in counts
    }
    gaps = {
        spelling: column
        for column in reversed(columns)
        if column.present
        for spelling in counts.get(column.heading, {}).keys() - wanted.get(column.heading, set())
    }
    for column in columns:
        both = sorted(wanted.get(column.heading, set()) & gaps.keys()) if column.heading in text else []
        if both:
            raise ScaffoldError(
                f"{column.locate(both[0])}: expected a value, as you named the column as text, but the same text means "
                f'"missing" in {gaps[both[0]].locate(both[0])}, and the contract\'s list of missing cells applies to '
                "every column. Write another word in the first column, or leave the other's cells empty."
            )
    values = {heading: spellings - gaps.keys() for heading, spellings in wanted.items()}
    return {
        heading: collections.Counter({spelling: counts[heading][spelling] for spelling in sorted(spellings)})
        for heading, spellings in values.items()
        if spellings
    }


def _frequent_values(column: Cells, kind: CellKind, counts: Mapping[str, int]) -> set[str]:
    others = {*column.present}
    if kind is not CellKind.BYTES or not 0 < len(others) <= _MOST_KINDS:
        return set()
    words = all(kind_of(text) is CellKind.BYTES and not has_leading_zero(text) for text in others)
    if not words or are_dates(sorted(others)):
        return set()
    return {spelling for spelling, count in counts.items() if count >= _LEAST_ROWS * len(column.texts)}
