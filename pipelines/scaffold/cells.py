"""Infer each column's type, number format and missing cells, which the new task's contract will declare.

A column whose numbers all have one format, such as `1,234.50` or `€ 5`, is read in that format. A column of which a
share of LEAST_NUMBERS or more, but not all, are numbers is never read as text: an error names the first other cell.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from components.csv_example_gen.csv_files import CellKind
from components.csv_example_gen.csv_values import has_leading_zero, infer, kind_of
from components.csv_example_gen.reading_rules import ReadingRules
from pipelines.scaffold.column_cells import Cells, name_text_option
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.missing_cells import count_missing, find_values
from serving.csv_text.lines import shorten
from serving.csv_text.number_formats import LAKH, SPACE, NumberFormat

LEAST_NUMBERS = 0.95  # share of the non-missing cells: with this many numbers, the other cells are mistakes
_MOSTLY_NUMBERS = 0.8  # share of a text column's cells: with this many numbers, new-task names the first other cell
_PADDED = 0.01  # share of the cells: numbers with a leading zero are mistakes if they are no more than this
_DIGIT = re.compile("[0-9]")
_FEW = 200  # cells in which currency signs are looked for

# The plain format first: of several that read all cells the first is used, unless `_check_readings` refuses it.
_SEPARATORS = (
    *(("", "."), (",", "."), (LAKH, "."), ("", ","), (".", ",")),
    *((SPACE, "."), (SPACE, ","), ("'", "."), ("'", ",")),
)
# Currencies by sign, with or without letters before it (`US$`), or by ISO 4217 code; percent, per mille.
_CODES = "USD EUR GBP JPY CHF CNY INR BRL CAD AUD NZD SEK NOK DKK PLN CZK HUF RON TRY ZAR MXN KRW SGD HKD ILS RUB UAH"
_SIGN = re.compile(rf"[A-Z]{{0,3}}[$€£¥₹₽₩₪₺₴₫฿¢]|[%‰]|(?<![A-Za-z])(?:{_CODES.replace(' ', '|')})(?![A-Za-z])")


def find_rules(columns: Sequence[Cells], text: Collection[str] = ()) -> ReadingRules:
    """Find the type of each column, how its numbers are written, and which cells are missing.

    Args:
        columns: All columns of one file.
        text: Headings of columns that the user named as text.

    Returns:
        The rules, by heading.

    Raises:
        ScaffoldError: A column is almost all numbers, or its numbers can be read in two ways; or find_values raises it.
    """
    usual = frozenset(spelling for found in count_missing(columns).values() for spelling in found)
    plain = {column.heading: infer(column.texts, missing=usual) for column in columns}
    kinds = {heading: CellKind.BYTES if heading in text else kind for heading, kind in plain.items()}
    formats = {}
    for column in columns:
        if kinds[column.heading] is CellKind.BYTES and column.heading not in text:
            written = _find_format(column)
            if written is not None:
                formats[column.heading] = written
                kinds[column.heading] = infer(column.texts, missing=usual, written=written)
    _check_readings(columns, kinds, formats)
    values = {spelling for found in find_values(columns, kinds, text).values() for spelling in found}
    # A column of missing cells only is text if one of them is a value in another column.
    kinds |= {
        column.heading: CellKind.BYTES
        for column in columns
        if kinds[column.heading] is CellKind.EMPTY and not values.isdisjoint(map(str.strip, column.texts))
    }
    return ReadingRules(kinds=kinds, missing=usual - values, formats=formats)


def _find_format(column: Cells) -> NumberFormat | None:
    """Find the number format that reads all cells; None for text.

    Args:
        column: One whose cells are not all plain numbers.

    Returns:
        None if the column is text, such as one of few numbers or of numbers with leading zeros.

    Raises:
        ScaffoldError: LEAST_NUMBERS of the cells are numbers, and the others are not.
    """
    present = column.present
    different = dict.fromkeys(present)  # each once, since texts repeat; in the file's order
    with_digits = {cell for cell in different if _DIGIT.search(cell)}
    if sum(cell in with_digits for cell in present) < LEAST_NUMBERS * len(present):
        return None
    formats = _list_formats(present)
    for written in formats:
        if all(_is_number(cell, written) for cell in different):
            return written if _is_meant(present, written) else None
    unread = {written: _find_unread(different, written) for written in (None, *formats)}
    nearest = min(unread, key=lambda written: len(unread[written]))
    others = [cell for cell in present if cell in unread[nearest]]
    if len(others) > (1 - LEAST_NUMBERS) * len(present) or _are_padded(present, others):
        return None
    first, like = others[0], next(cell for cell in present if _is_number(cell, nearest))
    more = len(others) - 1
    raise ScaffoldError(
        f"{column.locate(first)}: expected a number, such as {shorten(like)}, as in {len(present) - len(others):,} of "
        f"{len(present):,} cells of this column{f'; {more:,} more are no numbers' if more else ''}. "
        "Correct the cell, or leave it empty if the value is missing. "
        f"If the column is text, say so: {name_text_option(column.heading)}."
    )


def explain_near_numbers(present: pd.Series) -> str:
    """Say which text keeps a column from being numbers; return an empty string unless most of its texts are numbers."""
    others = present[[not _is_number(text, None) for text in present]]
    if not len(others) or len(others) > (1 - _MOSTLY_NUMBERS) * len(present):
        return ""
    return (
        f"{len(present) - len(others):,} of {len(present):,} values are numbers, and {shorten(others.iloc[0])} in row "
        f"{others.index[0] + 1} is not; leave such cells empty if they mean that the value is missing"
    )


def _are_padded(present: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether the cells that are no numbers all have leading zeros, and so the column holds codes."""
    if not all(map(has_leading_zero, others)):
        return False
    return len(others) > _PADDED * len(present) or len({len(cell) for cell in present}) == 1


def _find_unread(cells: Iterable[str], written: NumberFormat | None) -> set[str]:
    return {cell for cell in cells if not _is_number(cell, written)}


def _list_formats(present: Sequence[str]) -> list[NumberFormat]:
    """List the number formats to try: each pair of separators with no sign, and with each sign in the first cells."""
    signs = {"", *(found[0] for cell in present[:_FEW] if (found := _SIGN.search(cell)))}
    return [
        NumberFormat(thousands=thousands, decimal=decimal, sign=sign)
        for sign in sorted(signs)
        for thousands, decimal in _SEPARATORS
        if sign or (thousands, decimal) != _SEPARATORS[0]
    ]


def _is_number(cell: str, written: NumberFormat | None) -> bool:
    return kind_of(cell, written) is not CellKind.BYTES


def _is_meant(present: Sequence[str], written: NumberFormat) -> bool:
    """Return False for digits grouped by spaces that all have one length: those are phone or account numbers."""
    if written.thousands != SPACE or written.sign or any(written.decimal in cell for cell in present):
        return True
    return len({len(written.normalise(cell)) for cell in present}) > 1


def _check_readings(
    columns: Sequence[Cells], kinds: Mapping[str, CellKind], formats: Mapping[str, NumberFormat]
) -> None:
    """Check that no column's format contradicts another column's where a comma or point can be read in two ways.

    `464,000` is read as 464 thousand, unless another column has decimal commas; `1.234` is read as a decimal, with the
    same exception. `3,5` among whole numbers is read as a decimal, unless another column has decimal points.

    Args:
        columns: All columns of one file.
        kinds: Type by heading.
        formats: Number format by heading; columns of plain numbers have none.

    Raises:
        ScaffoldError: The numbers of a column can be read in two ways.
    """
    numbers = [column for column in columns if kinds[column.heading] in (CellKind.INT, CellKind.FLOAT)]
    commas = [column.heading for column in numbers if _has_decimals(column, formats.get(column.heading), ",")]
    points = [column.heading for column in numbers if _has_decimals(column, formats.get(column.heading), ".")]
    for column in numbers:
        written = formats.get(column.heading, NumberFormat())
        other = _swap(written)
        against = [heading for heading in (points if written.decimal == "," else commas) if heading != column.heading]
        marked = [cell for cell in column.present if written.decimal in cell or (written.thousands or "\0") in cell]
        if not against or not marked:
            continue
        doubtful = all(_is_number(cell, other) for cell in column.present)
        rare = written.decimal == "," and len(marked) < len(column.present) / 2
        if doubtful or rare:
            raise ScaffoldError(
                f"{column.locate(marked[0])}: can be {_read(marked[0], written)} or {_read(marked[0], other)}. "
                f"Expected one way to write numbers in a file: column `{against[0]}` has another. Write the numbers of "
                "this column without a thousands separator, and with the decimal mark of the other."
            )


def _has_decimals(column: Cells, written: NumberFormat | None, mark: str) -> bool:
    """Return whether the column has decimals after this mark that cannot be read as thousands."""
    written = written or NumberFormat()
    present = column.present
    if written.decimal != mark or not any(mark in cell for cell in present):
        return False
    return not all(_is_number(cell, _swap(written)) for cell in present)


def _swap(written: NumberFormat) -> NumberFormat:
    """Return the format in which the decimal mark separates thousands, or the thousands separator decimals."""
    other = "," if written.decimal == "." else "."
    if written.thousands == other:
        return dataclasses.replace(written, thousands="", decimal=other)
    return dataclasses.replace(written, thousands=written.decimal, decimal=other)


def _read(cell: str, written: NumberFormat) -> str:
    return written.normalise(cell) if _is_number(cell, written) else "no number"
