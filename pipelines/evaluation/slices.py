"""Name slices of rows as the Evaluator does, and find their rows. This module imports neither TFX nor pandas."""

from collections.abc import Iterable
from typing import Any

import numpy as np

OVERALL = "overall"

Slice = tuple[tuple[str, str], ...]  # pairs of column and value; empty: all rows
SliceMetrics = dict[str, dict[str, float | None]]  # slice in words -> metric -> value; None: undefined there


def slice_in_words(where: Slice) -> str:
    """Return a slice in words.

    Example:
        >>> slice_in_words((("payment_type", "Cash"),)), slice_in_words(())
        ('payment_type = Cash', 'overall')
    """
    return ", ".join(f"{name} = {value}" for name, value in where) or OVERALL


def list_columns(slices: Iterable[Slice]) -> set[str]:
    """Return the columns of the slices."""
    return {column for where in slices for column, _ in where}


def in_slice(rows: Any, where: Slice) -> np.ndarray:
    """Return which rows belong to a slice, as TFMA counts them, bool [rows].

    Args:
        rows: DataFrame of raw rows, as Run.rows returns it.
        where: The slice, by columns of `rows`.
    """
    return SlicedRows(rows).inside(where)


class SlicedRows:
    """Raw rows, indexed by the values of their columns. Each column is indexed once, at its first use."""

    def __init__(self, rows: Any):
        """Take a DataFrame of raw rows, as Run.rows returns it."""
        self._rows = rows
        self._columns: dict[str, dict[str, np.ndarray]] = {}  # column -> value in words -> positions of its rows

    def values(self, column: str) -> list[str]:
        """Return the values of a column, in words."""
        self._read(column)
        return list(self._columns[column])

    def count(self, column: str, value: str) -> int:
        """Return the number of rows that have a value, given in words."""
        self._read(column)
        return len(self._columns[column].get(value, []))

    def _read(self, column: str) -> None:
        if column not in self._columns:
            self._columns[column] = _positions(self._rows[column])

    def inside(self, where: Slice) -> np.ndarray:
        """Return which rows belong to a slice, bool [rows]."""
        inside = np.ones(len(self._rows), dtype=bool)
        for name, value in where:
            self._read(name)
            has = np.zeros(len(self._rows), dtype=bool)
            has[self._columns[name].get(value, [])] = True
            inside &= has
        return inside


def _positions(column: Any) -> dict[str, np.ndarray]:
    """Return the rows of each value; a list belongs to each of its values, a missing value to none."""
    cells = column.reset_index(drop=True).explode().dropna()
    return {_in_words(value): np.unique(where) for value, where in cells.groupby(cells, sort=False).groups.items()}


def _in_words(value: Any) -> str:
    """Return a value as TFMA's slice keys write it; a float32 has the digits of the equal float64."""
    return str(value.item() if isinstance(value, np.generic) else value)
