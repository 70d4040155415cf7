"""Read one cell of a CSV file: a whole number, a number, a text, or a missing value."""

import decimal
from collections.abc import Collection

FLOAT32_MAX = 3.4028234663852886e38  # the largest finite float32, the storage of a FLOAT
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def is_missing(cell: str, missing: Collection[str]) -> bool:
    """Return whether a cell is missing: blank, or one of the spellings of missing, without surrounding blanks."""
    text = cell.strip()
    return not text or text in missing


def read_integer(cell: str) -> int:
    """Read a whole number in the range of int64; `8.0` counts, as pandas writes integer columns with gaps.

    Args:
        cell: the text.

    Returns:
        The number.

    Raises:
        ValueError: The text is not such a number.

    Example:
        >>> read_integer("8.0")
        8
    """
    try:
        value: int | decimal.Decimal = int(cell)
    except ValueError:
        value = _exact_whole_number(cell)
    if not INT64_MIN <= value <= INT64_MAX or not is_plain(cell):
        raise ValueError(cell)
    return int(value)


def read_float(cell: str) -> float:
    """Read a finite number in the range of float32.

    Args:
        cell: the text.

    Returns:
        The number.

    Raises:
        ValueError: The text is not such a number.
    """
    value = float(cell)
    if not abs(value) <= FLOAT32_MAX or not is_plain(cell):  # the comparison is also false for nan
        raise ValueError(cell)
    return value


def is_plain(cell: str) -> bool:
    """Return whether a number has neither `_` nor digits of other scripts, which Python's parsers accept."""
    return "_" not in cell and cell.isascii()


def _exact_whole_number(cell: str) -> decimal.Decimal:
    """Read `8.0` or `1e3` exactly: a double cannot represent all whole numbers from 2^53 on."""
    try:
        value = decimal.Decimal(cell)
    except decimal.InvalidOperation:
        raise ValueError(cell) from None
    if not value.is_finite() or value != value.to_integral_value():
        raise ValueError(cell)
    return value
