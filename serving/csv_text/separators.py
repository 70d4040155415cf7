"""Find the separator of a CSV file's cells."""

import csv
import re
from collections.abc import Mapping, Sequence

SEPARATORS = ",;\t|"  # the most common first
_NAMED = re.compile(r'"?sep=(.?)"?\s*', re.IGNORECASE)  # a first line as Excel writes and reads it

_NO_SEPARATOR = re.compile(r'[\r\n"\w]?')  # csv accepts neither line breaks nor its own quote
_BLANK = re.compile(r"\s")
_SHOWN_HEADINGS, _SHOWN_CHARACTERS = 10, 300  # limits of a header in a message


def find_named_separator(first_line: str) -> str | None:
    """Return the separator of a first line such as `sep=;`; None if the line is the header.

    Args:
        first_line: of the file.

    Returns:
        The separator.

    Raises:
        ValueError: The line names none, or an unusable one.
    """
    found = _NAMED.fullmatch(first_line)
    if found and _NO_SEPARATOR.fullmatch(found[1]):
        raise ValueError(
            f"expected a first line that names the separator, such as sep=;, received {first_line.strip()!r}. Write "
            "the character that separates the cells after sep=, or remove the line"
        )
    return found[1] if found else None


def find_separator(lines: Sequence[str], *, whole: bool) -> str:
    """Find the separator that gives all lines the same number of cells; the largest number wins.

    So a heading may contain a comma in a file with semicolons, and a text may contain semicolons in a file with commas.
    Separators that leave an unpaired quote in a cell are considered last: commas cut `a;"b, c"` in the middle of a
    quoted cell. If several separators give equally many cells, those that leave a blank before a heading come later,
    and the comma comes last: `Price, net;Qty` over `1,50;3` has two decimal commas and two columns. If none fits, the
    one that gives the header the most cells is returned, and reading reports the line that does not fit.

    Args:
        lines: of the file, from its header on.
        whole: whether these are all lines; otherwise the last record may be cut off.

    Returns:
        The separator.

    Raises:
        ValueError: Several fit equally well.

    Example:
        >>> find_separator(["fare;company", "7,65;Blue Cab"], whole=True)
        ';'
    """
    split = {mark: _split(lines, mark, whole=whole) for mark in SEPARATORS}
    even = [mark for mark, records in split.items() if len({len(cells) for cells in records}) == 1 < len(records[0])]
    unbroken = [mark for mark in even if not any(cell.count('"') % 2 for cells in split[mark] for cell in cells)]
    if even:
        return _choose({mark: split[mark][0] for mark in unbroken or even})
    return max(SEPARATORS, key=lambda mark: lines[0].count(mark)) if lines else SEPARATORS[0]


def _choose(headers: Mapping[str, Sequence[str]]) -> str:
    most = max(map(len, headers.values()))
    equal = {mark: header for mark, header in headers.items() if len(header) == most}
    equal = {mark: header for mark, header in equal.items() if not any(map(_BLANK.match, header))} or equal
    if len(equal) > 1:
        equal.pop(",", None)  # also occurs in prose and numbers
    if len(equal) > 1:
        read = " and ".join(f"{_shorten(header)} ({mark!r})" for mark, header in equal.items())
        raise ValueError(
            f"expected one separator that gives all lines the same number of cells, received {len(equal)}, by which "
            f"the headings are {read}. Name the right one in a first line, such as sep={next(iter(equal))}"
        )
    return next(iter(equal))


def _shorten(header: Sequence[str]) -> str:
    text = repr(list(header[:_SHOWN_HEADINGS]))
    is_whole = len(header) <= _SHOWN_HEADINGS and len(text) <= _SHOWN_CHARACTERS
    return text if is_whole else f"{text[:_SHOWN_CHARACTERS]} …"


def _split(lines: Sequence[str], separator: str, *, whole: bool) -> list[list[str]]:
    """Split lines into records; return none if the quotes do not fit this separator."""
    records: list[list[str]] = []
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        records.extend(cells for cells in reader if cells)
    except csv.Error:
        if whole or reader.line_num < len(lines):
            return []
    return records
