"""What one cell of a CSV file holds: a whole number, a number, a text, or nothing."""

import decimal
from collections.abc import Collection

FLOAT32_MAX = 3.4028234663852886e38  # The largest finite float32, which is how a FLOAT is stored.
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def is_missing(cell: str, missing: Collection[str]) -> bool:
    """Tell whether a cell holds no value: it is blank, or a spelling of missing with or without blanks around it."""
    text = cell.strip()
    return not text or text in missing


def read_integer(cell: str) -> int:
    """Read a whole number that int64 holds; `8.0` is one, as pandas writes integer columns with gaps.

    Raises:
        ValueError: It is none.
    """
    try:
        value: int | decimal.Decimal = int(cell)
    except ValueError:
        value = _exact_whole_number(cell)
    if not INT64_MIN <= value <= INT64_MAX or not is_plain(cell):
        raise ValueError(cell)
    return int(value)


def read_float(cell: str) -> float:
    """Read a number that is finite and fits float32.

    Raises:
        ValueError: It is none.
    """
    value = float(cell)
    if not abs(value) <= FLOAT32_MAX or not is_plain(cell):  # The comparison is false for nan, too.
        raise ValueError(cell)
    return value


def is_plain(cell: str) -> bool:
    """Tell whether a number has neither `_` nor digits of other scripts: Python alone reads `1_000` as one."""
    return "_" not in cell and cell.isascii()


def _exact_whole_number(cell: str) -> decimal.Decimal:
    """Read `8.0` or `1e3` digit by digit: a double has none for the whole numbers from 2^53 on."""
    try:
        value = decimal.Decimal(cell)
    except decimal.InvalidOperation:
        raise ValueError(cell) from None
    if not value.is_finite() or value != value.to_integral_value():
        raise ValueError(cell)
    return value
