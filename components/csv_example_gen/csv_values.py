"""Infer the type of a column from its cells, and convert cells to values; this module does not depend on files."""

import enum
import re
from collections.abc import Callable, Collection, Sequence

import numpy as np

from serving.csv_text.cells import FLOAT32_MAX, INT64_MAX, INT64_MIN, is_missing, is_plain, read_float, read_integer
from serving.csv_text.number_formats import NumberFormat

_LEADING_ZERO = re.compile(r"\s*[+-]?0\d+\s*")  # as in the zip code 02134, which must not become the number 2134
_SURE_OF_INT64 = 18  # characters; a whole number of no more is in the range of int64

Value = int | float | bytes | None


class CellKind(enum.IntEnum):
    """Type of a column, from narrow to wide. INT, FLOAT and BYTES are named as the types of a Schema."""

    EMPTY = 0  # no cell holds a value
    INT = 1
    FLOAT = 2
    BYTES = 3


class CellError(ValueError):
    """A cell does not hold a value of the expected type."""

    def __init__(self, position: int, cell: str) -> None:
        super().__init__(position, cell)
        self.position = position  # index of the cell, from 0
        self.cell = cell


def infer(
    cells: Sequence[str],
    at_least: CellKind = CellKind.EMPTY,
    missing: Collection[str] = (),
    written: NumberFormat | None = None,
) -> CellKind:
    """Return the narrowest type that holds all cells and is not narrower than `at_least`.

    As in CsvExampleGen the types are INT, FLOAT and BYTES, and whole numbers beyond int64 are BYTES. Unlike there,
    `nan`, `inf` and `1_000` are BYTES, as `convert` requires. So are digits with a leading zero, such as `02134`: they
    are a code, and a number would lose the zero.

    Args:
        cells: cells of a column.
        at_least: the type of earlier cells of the column.
        missing: cells that mean "missing", in addition to blank ones.
        written: format of the numbers; None: plain.

    Example:
        >>> infer(["1", "", "2.5"]).name, infer(["02134"]).name
        ('FLOAT', 'BYTES')
    """
    kind = at_least
    for cell in cells:
        if kind is CellKind.BYTES:
            break
        if cell and not is_missing(cell, missing):
            kind = max(kind, kind_of(cell, written))
    return kind


def has_leading_zero(cell: str) -> bool:
    """Return whether a cell is a whole number with a leading zero, apart from `0` itself."""
    return _LEADING_ZERO.fullmatch(cell) is not None


def kind_of(cell: str, written: NumberFormat | None = None) -> CellKind:
    """Return the narrowest type that holds a cell with a value; see `infer`."""
    try:
        text = written.normalise(cell) if written else cell
        read_float(text)
    except ValueError:
        return CellKind.BYTES
    if has_leading_zero(text):
        return CellKind.BYTES
    try:
        return CellKind.INT if INT64_MIN <= int(text) <= INT64_MAX else CellKind.BYTES
    except ValueError:
        return CellKind.FLOAT


def convert(
    cells: Sequence[str], kind: CellKind, missing: Collection[str] = (), written: NumberFormat | None = None
) -> list[Value]:
    """Return the value of each cell, None for a missing one.

    A whole number with a fraction of zero (`8.0`) is allowed as INT, since pandas writes integer columns with missing
    values so. An INT must be in the range of int64, a FLOAT finite and in the range of float32. A cell that has only
    spaces is missing.

    Args:
        cells: cells of a column.
        kind: type of the column.
        missing: cells that mean "missing" in addition to blank ones, without spaces around them.
        written: format of the numbers; None: plain.

    Raises:
        CellError: A cell is not a value of that type.

    Example:
        >>> convert(["8.0", "", "N/A"], CellKind.INT, missing={"N/A"})
        [8, None, None]
    """
    if kind is CellKind.EMPTY:
        return _convert_each(cells, _nothing, missing)
    if kind is CellKind.BYTES:
        # Each different text is encoded once.
        different = {cell: None if is_missing(cell, missing) else cell.encode() for cell in set(cells)}
        return [different[cell] for cell in cells]
    no_format = written is None and not any(map(is_number, missing))  # a cell such as `-999` may mean "missing"
    if no_format and (values := _convert_plain(cells, kind)) is not None:
        return values
    parse: Callable[[str], Value] = read_integer if kind is CellKind.INT else read_float
    return _convert_each(cells, (lambda cell: parse(written.normalise(cell))) if written else parse, missing)


def to_array(values: Sequence[Value]) -> np.ndarray:
    """Return the values of a FLOAT column, float64 [rows], NaN for missing ones."""
    return np.array(values, dtype=np.float64)


def is_number(text: str) -> bool:
    """Return whether Python's `float` accepts a text."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _convert_plain(cells: Sequence[str], kind: CellKind) -> list[Value] | None:
    """Return the values of plain numbers; None if a cell needs the checks of `_convert_each`."""
    joined = "".join(cells)
    if not is_plain(joined):
        return None
    try:
        if kind is CellKind.INT:
            if len(joined) > _SURE_OF_INT64 and max(map(len, cells)) > _SURE_OF_INT64:
                return None
            return [int(cell) if cell else None for cell in cells]
        values: list[Value] = [float(cell) if cell else None for cell in cells]
    except ValueError:
        return None
    array = to_array(values)
    # Cells that are not counted are missing (NaN), or are not finite or beyond float32; only missing ones are allowed.
    return values if np.count_nonzero(np.abs(array) <= FLOAT32_MAX) == len(cells) - cells.count("") else None


def _convert_each(cells: Sequence[str], parse: Callable[[str], Value], missing: Collection[str]) -> list[Value]:
    values: list[Value] = []
    for position, cell in enumerate(cells):
        if not cell or is_missing(cell, missing):
            values.append(None)
            continue
        try:
            values.append(parse(cell))
        except ValueError:
            raise CellError(position, cell) from None
    return values


def _nothing(cell: str) -> Value:
    raise ValueError(cell)
