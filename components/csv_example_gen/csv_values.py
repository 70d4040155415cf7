"""Types and values of CSV cells: which type a column has, and what its cells hold."""

import enum
import re
from collections.abc import Callable, Sequence

FLOAT32_MAX = 3.4028234663852886e38  # The largest finite float32, which is how a FLOAT is stored.
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
EXACT_IN_DOUBLE = 2**53  # Up to here a whole number written as `8.0` is exactly the integer 8.
_LEADING_ZERO = re.compile(r"\s*[+-]?0\d+\s*")  # As in the zip code 02134, of which a number would be 2134.

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


def infer(cells: Sequence[str], at_least: CellKind = CellKind.EMPTY) -> CellKind:
    """Returns the narrowest type that holds all cells and is not narrower than `at_least`.

    The order is CsvExampleGen's: INT, FLOAT, BYTES, and whole numbers beyond int64 are BYTES. Unlike there, a number is
    one that `convert` takes: `nan`, `inf` and `1_000` are text. So are digits after a leading zero, such as `02134`:
    they are a code, which a number would cut short.
    """
    kind = at_least
    for cell in cells:
        if kind is CellKind.BYTES:
            break
        if cell:
            kind = max(kind, _kind_of(cell))
    return kind


def convert(cells: Sequence[str], kind: CellKind) -> list[Value]:
    """Returns the value of each cell, None for an empty one.

    A whole number written with a fraction of zero (`8.0`) is an INT: so pandas writes integer columns with gaps.
    An INT fits int64, a FLOAT is finite and fits float32.

    Raises:
        CellError: a cell is not a value of that type.
    """
    if kind is CellKind.EMPTY:
        return [None] * len(cells)
    if kind is CellKind.BYTES:
        return [cell.encode() if cell else None for cell in cells]
    parse: Callable[[str], Value] = _integer if kind is CellKind.INT else _float
    try:
        return [parse(cell) if cell else None for cell in cells]
    except ValueError:
        raise _first_fault(cells, parse) from None


def _first_fault(cells: Sequence[str], parse: Callable[[str], Value]) -> CellError:
    for position, cell in enumerate(cells):
        try:
            parse(cell or "0")
        except ValueError:
            return CellError(position, cell)
    raise AssertionError("each cell parses alone, all together did not")


def _kind_of(cell: str) -> CellKind:
    if _LEADING_ZERO.fullmatch(cell):
        return CellKind.BYTES
    try:
        _float(cell)
    except ValueError:
        return CellKind.BYTES
    try:
        return CellKind.INT if INT64_MIN <= int(cell) <= INT64_MAX else CellKind.BYTES
    except ValueError:
        return CellKind.FLOAT


def _integer(cell: str) -> int:
    try:
        value = int(cell)
    except ValueError:
        fraction = float(cell)
        if not abs(fraction) <= EXACT_IN_DOUBLE or not fraction.is_integer():
            raise
        value = int(fraction)
    if not INT64_MIN <= value <= INT64_MAX or not _is_plain(cell):
        raise ValueError(cell)
    return value


def _float(cell: str) -> float:
    value = float(cell)
    if not abs(value) <= FLOAT32_MAX or not _is_plain(cell):  # The comparison is false for nan, too.
        raise ValueError(cell)
    return value


def _is_plain(cell: str) -> bool:
    """Python alone reads `1_000`, and digits of other scripts, as numbers."""
    return "_" not in cell and cell.isascii()
