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

    So a heading may hold a comma where semicolons separate, and a text semicolons where commas do. Where none fits, it
    is the one that makes the most of the header, and reading will say which line does not suit it.

    Args:
        lines: of the file, from its header on.
        whole: whether these are all of its lines; if not, the last record may be cut off.
    """
    counts = {mark: _count_cells(lines, mark, whole=whole) for mark in SEPARATORS}
    even = {mark: found[0] for mark, found in counts.items() if len(set(found)) == 1 and found[0] > 1}
    candidates = even or {mark: found[0] for mark, found in counts.items() if found}
    return max(candidates, key=lambda mark: candidates[mark], default=SEPARATORS[0])  # the first of equals


def _count_cells(lines: Sequence[str], separator: str, *, whole: bool) -> list[int]:
    """Counts the cells of each record; none where the quotes do not suit this separator.

    So it is where a cell holds half of a pair: commas cut `a;"b, c"` in the middle of a quoted cell.
    """
    counts: list[int] = []
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.count('"') % 2 for cell in cells):
                return []
            if cells:
                counts.append(len(cells))
    except csv.Error:
        if whole or reader.line_num < len(lines):
            return []
    return counts
