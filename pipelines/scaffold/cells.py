"""Finds out what the cells of a new task's columns mean, for its contract to say.

A column whose numbers are all written in one way, as people write them, is read so. One of which LEAST_NUMBERS are
numbers is never taken for text: the cell that is none is named instead.
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

LEAST_NUMBERS = 0.95  # of the cells that hold something: from here on the others are mistakes, and the column no text
_MOSTLY_NUMBERS = 0.8  # of the texts of a column: from here on the others may be all that keeps it from being numbers
_PADDED = 0.01  # of the cells: of numbers with a leading zero that are no more, each is a slip
_DIGIT = re.compile("[0-9]")
_FEW = 200  # cells by which most formats are ruled out

# The plain one first: of several that read all cells, the first is meant, unless `_check_readings` says otherwise.
_SEPARATORS = (
    *(("", "."), (",", "."), (LAKH, "."), ("", ","), (".", ",")),
    *((SPACE, "."), (SPACE, ","), ("'", "."), ("'", ",")),
)
# Currencies by sign, with letters around it or without (`US$`), or by the code of ISO 4217; percent, per mille.
_CODES = "USD EUR GBP JPY CHF CNY INR BRL CAD AUD NZD SEK NOK DKK PLN CZK HUF RON TRY ZAR MXN KRW SGD HKD ILS RUB UAH"
_SIGN = re.compile(rf"[A-Z]{{0,3}}[$€£¥₹₽₩₪₺₴₫฿¢]|[%‰]|(?<![A-Za-z])(?:{_CODES.replace(' ', '|')})(?![A-Za-z])")


def find_rules(columns: Sequence[Cells], text: Collection[str] = ()) -> ReadingRules:
    """Finds out the type of each column, how its numbers are written, and which cells are missing.

    Args:
        columns: of one file.
        text: headings of columns that somebody named as text.

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
    # A column of nothing else, in which another column's value stands, holds that value.
    kinds |= {
        column.heading: CellKind.BYTES
        for column in columns
        if kinds[column.heading] is CellKind.EMPTY and not values.isdisjoint(map(str.strip, column.texts))
    }
    return ReadingRules(kinds=kinds, missing=usual - values, formats=formats)


def _find_format(column: Cells) -> NumberFormat | None:
    """Finds the format in which all cells are written; None for text."""
    present = column.present
    different = dict.fromkeys(present)  # Each once: texts repeat.
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
        f"{len(present):,} cells of this column{f'; {more:,} more of them are none' if more else ''}. "
        "Correct the cell, or leave it empty to say that the value is missing. "
        f"If the column is text, say so: {name_text_option(column.heading)}."
    )


def explain_near_numbers(present: pd.Series) -> str:
    """Says what keeps a column of texts from being numbers; empty where many of them are none."""
    others = present[[not _is_number(text, None) for text in present]]
    if not len(others) or len(others) > (1 - _MOSTLY_NUMBERS) * len(present):
        return ""
    return (
        f"{len(present) - len(others):,} of {len(present):,} values are numbers, and {shorten(others.iloc[0])} in row "
        f"{others.index[0] + 1} is not; leave such cells empty if they say that the value is missing"
    )


def _are_padded(present: Sequence[str], others: Sequence[str]) -> bool:
    """Whether all that keeps cells from being numbers are leading zeros, by which the numbers are names."""
    if not all(map(has_leading_zero, others)):
        return False
    return len(others) > _PADDED * len(present) or len({len(cell) for cell in present}) == 1


def _find_unread(cells: Iterable[str], written: NumberFormat | None) -> set[str]:
    return {cell for cell in cells if not _is_number(cell, written)}


def _list_formats(present: Sequence[str]) -> list[NumberFormat]:
    """Lists the formats in which some cell is written otherwise than programs write."""
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
    """Numbers of groups with spaces, all of one length, are those of telephones and accounts."""
    if written.thousands != SPACE or written.sign or any(written.decimal in cell for cell in present):
        return True
    return len({len(written.normalise(cell)) for cell in present}) > 1


def _check_readings(
    columns: Sequence[Cells], kinds: Mapping[str, CellKind], formats: Mapping[str, NumberFormat]
) -> None:
    """Raises where a comma or a point can separate thousands or decimals, and another column speaks against the guess.

    `464,000` alone is a number of thousands; where another column has a decimal comma, nobody knows. So it is with
    `1.234` there. And one `3,5` among whole numbers is a decimal comma, unless another column has decimal points.
    """
    numbers = [column for column in columns if kinds[column.heading] in (CellKind.INT, CellKind.FLOAT)]
    commas = [column.heading for column in numbers if _has_decimals(column, formats.get(column.heading), ",")]
    points = [column.heading for column in numbers if _has_decimals(column, formats.get(column.heading), ".")]
    for column in numbers:
        written = formats.get(column.heading, NumberFormat())
        other = _swap(written)
        against = [heading for heading in (points if written.decimal == "," else commas) if heading != column.heading]
        telling = [cell for cell in column.present if written.decimal in cell or (written.thousands or "\0") in cell]
        if not against or not telling:
            continue
        doubtful = all(_is_number(cell, other) for cell in column.present)
        rare = written.decimal == "," and len(telling) < len(column.present) / 2
        if doubtful or rare:
            raise ScaffoldError(
                f"{column.locate(telling[0])}: can be {_read(telling[0], written)} or {_read(telling[0], other)}. "
                f"Expected one way to write numbers in a file: column `{against[0]}` has another. Write the numbers of "
                "this column without a thousands separator, and with the decimals of the other."
            )


def _has_decimals(column: Cells, written: NumberFormat | None, mark: str) -> bool:
    """Whether the column has decimals after this mark, and no reading with thousands after it."""
    written = written or NumberFormat()
    present = column.present
    if written.decimal != mark or not any(mark in cell for cell in present):
        return False
    return not all(_is_number(cell, _swap(written)) for cell in present)


def _swap(written: NumberFormat) -> NumberFormat:
    """The other reading of a format's comma or point."""
    other = "," if written.decimal == "." else "."
    if written.thousands == other:
        return dataclasses.replace(written, thousands="", decimal=other)
    return dataclasses.replace(written, thousands=written.decimal, decimal=other)


def _read(cell: str, written: NumberFormat) -> str:
    return written.normalise(cell) if _is_number(cell, written) else "no number"
