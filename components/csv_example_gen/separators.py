"""Finds out what separates the cells of a file."""

import csv
import re
from collections.abc import Sequence

SEPARATORS = ",;\t|"  # the most usual first
_NAMED = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # a first line as Excel writes and reads it


def find_named_separator(first_line: str) -> str | None:
    """Returns what a first line such as `sep=;` names; None where the line is the header."""
    found = _NAMED.fullmatch(first_line)
    return found[1] if found else None


def find_separator(lines: Sequence[str], *, whole: bool) -> str:
    """Finds the separator by which all lines have the same number of cells, the largest where several do.

    So a heading may hold a comma where semicolons separate, and a text semicolons where commas do. One that leaves half
    of a pair of quotes in a cell comes after the others: commas cut `a;"b, c"` in the middle of a quoted cell. Where
    none fits, it is the one that makes the most of the header, and reading will say which line does not suit it.

    Args:
        lines: of the file, from its header on.
        whole: whether these are all of its lines; if not, the last record may be cut off.
    """
    split = {mark: _split(lines, mark, whole=whole) for mark in SEPARATORS}
    even = [mark for mark, records in split.items() if len({len(cells) for cells in records}) == 1 < len(records[0])]
    unbroken = [mark for mark in even if not any(cell.count('"') % 2 for cells in split[mark] for cell in cells)]
    if even:
        return max(unbroken or even, key=lambda mark: len(split[mark][0]))  # the first of equals
    return max(SEPARATORS, key=lambda mark: lines[0].count(mark)) if lines else SEPARATORS[0]


def _split(lines: Sequence[str], separator: str, *, whole: bool) -> list[list[str]]:
    """Splits lines into records; none where the quotes do not suit this separator."""
    records: list[list[str]] = []
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        records.extend(cells for cells in reader if cells)
    except csv.Error:
        if whole or reader.line_num < len(lines):
            return []
    return records
