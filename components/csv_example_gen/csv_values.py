"""Types and values of cells: which type a column has, and what its cells hold. Knows nothing of files."""

import enum
import re
from collections.abc import Callable, Collection, Sequence

import numpy as np

from serving.csv_text.cells import FLOAT32_MAX, INT64_MAX, INT64_MIN, is_missing, is_plain, read_float, read_integer
from serving.csv_text.number_formats import NumberFormat

_LEADING_ZERO = re.compile(r"\s*[+-]?0\d+\s*")  # As in the zip code 02134, of which a number would be 2134.
_SURE_OF_INT64 = 18  # characters: a number of no more is within int64

Value = int | float | bytes | None


class CellKind(enum.IntEnum):
    """Type of a column, in the order in which inference widens it. The names are those of the schema's types."""

    EMPTY = 0  # No cell holds a value.
    INT = 1
    FLOAT = 2
    BYTES = 3


class CellError(ValueError):
    """A cell that is not of the expected type."""

    def __init__(self, position: int, cell: str) -> None:
        super().__init__(position, cell)
        self.position = position  # Which of the cells, from 0.
        self.cell = cell


def infer(
    cells: Sequence[str],
    at_least: CellKind = CellKind.EMPTY,
    missing: Collection[str] = (),
    written: NumberFormat | None = None,
) -> CellKind:
    """Return the narrowest type that holds all cells and is not narrower than `at_least`.

    The order is CsvExampleGen's: INT, FLOAT, BYTES, and whole numbers beyond int64 are BYTES. Unlike there, a number is
    one that `convert` takes: `nan`, `inf` and `1_000` are text. So are digits after a leading zero, such as `02134`:
    they are a code, which a number would cut short.

    Args:
        cells: of a column.
        at_least: the type of its cells before these.
        missing: cells that hold no value, beside the blank ones.
        written: how numbers are written.
    """
    kind = at_least
    for cell in cells:
        if kind is CellKind.BYTES:
            break
        if cell and not is_missing(cell, missing):
            kind = max(kind, kind_of(cell, written))
    return kind


def has_leading_zero(cell: str) -> bool:
    """Whether a cell holds nothing but digits, a zero before others."""
    return _LEADING_ZERO.fullmatch(cell) is not None


def kind_of(cell: str, written: NumberFormat | None = None) -> CellKind:
    """Return the narrowest type that holds the cell, which is not empty; see `infer`."""
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
    """Return the value of each cell, None for one that is missing.

    A whole number written with a fraction of zero (`8.0`) is an INT: so pandas writes integer columns with gaps.
    An INT fits int64, a FLOAT is finite and fits float32. A cell of nothing but spaces is empty.

    Args:
        cells: of a column.
        kind: its type.
        missing: cells that hold no value, beside the blank ones, without the spaces around them.
        written: how numbers are written.

    Raises:
        CellError: a cell is not a value of that type.
    """
    if kind is CellKind.EMPTY:
        return _convert_each(cells, _nothing, missing)
    if kind is CellKind.BYTES:
        # Each once: texts repeat.
        different = {cell: None if is_missing(cell, missing) else cell.encode() for cell in set(cells)}
        return [different[cell] for cell in cells]
    no_format = written is None and not any(map(is_number, missing))  # `-999` for missing is no value.
    if no_format and (values := _convert_plain(cells, kind)) is not None:
        return values
    parse: Callable[[str], Value] = read_integer if kind is CellKind.INT else read_float
    return _convert_each(cells, (lambda cell: parse(written.normalise(cell))) if written else parse, missing)


def to_array(values: Sequence[Value]) -> np.ndarray:
    """Return the values of a FLOAT column, float64 [rows], NaN where there is none."""
    return np.array(values, dtype=np.float64)


def is_number(text: str) -> bool:
    """Tell whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _convert_plain(cells: Sequence[str], kind: CellKind) -> list[Value] | None:
    """Convert numbers as programs write them, all together; None where a cell needs a second look."""
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
    # A comparison with NaN is false: what is not counted here is missing, or not a finite number that float32 holds.
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
