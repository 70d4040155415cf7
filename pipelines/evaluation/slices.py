"""Slices of rows, as the Evaluator names them. Loads neither TFX nor pandas."""

from collections.abc import Iterable
from typing import Any

import numpy as np

OVERALL = "overall"

Slice = tuple[tuple[str, str], ...]  # pairs of column and value; empty: all rows
SliceMetrics = dict[str, dict[str, float | None]]  # slice in words -> metric -> value; None: undefined there


def slice_in_words(where: Slice) -> str:
    """Describe a slice: (("payment_type", "Cash"),) -> "payment_type = Cash"; () -> "overall"."""
    return ", ".join(f"{name} = {value}" for name, value in where) or OVERALL


def list_columns(slices: Iterable[Slice]) -> set[str]:
    """List the columns that slices are made of."""
    return {column for where in slices for column, _ in where}


def in_slice(rows: Any, where: Slice) -> np.ndarray:
    """Tell which rows belong to a slice, as TFMA counts them: bool [rows].

    Args:
        rows: DataFrame of raw rows, as Run.rows gives them.
        where: the slice; its columns are among those of `rows`.
    """
    return SlicedRows(rows).inside(where)


class SlicedRows:
    """Raw rows that many slices are asked of: each column is read once."""

    def __init__(self, rows: Any):
        """Take a DataFrame of raw rows, as Run.rows gives them."""
        self._rows = rows
        self._columns: dict[str, dict[str, np.ndarray]] = {}  # column -> value in words -> positions of its rows

    def values(self, column: str) -> list[str]:
        """List the values of a column, in words."""
        self._read(column)
        return list(self._columns[column])

    def count(self, column: str, value: str) -> int:
        """Count the rows that have a value, in words."""
        self._read(column)
        return len(self._columns[column].get(value, []))

    def _read(self, column: str) -> None:
        if column not in self._columns:
            self._columns[column] = _positions(self._rows[column])

    def inside(self, where: Slice) -> np.ndarray:
        """Tell which rows belong to a slice: bool [rows]."""
        inside = np.ones(len(self._rows), dtype=bool)
        for name, value in where:
            self._read(name)
            has = np.zeros(len(self._rows), dtype=bool)
            has[self._columns[name].get(value, [])] = True
            inside &= has
        return inside


def _positions(column: Any) -> dict[str, np.ndarray]:
    """Find the rows of each value; a row with a list is among those of each of its values, one without among none."""
    cells = column.reset_index(drop=True).explode().dropna()
    return {_in_words(value): np.unique(where) for value, where in cells.groupby(cells, sort=False).groups.items()}


def _in_words(value: Any) -> str:
    """Write a value as it stands in TFMA's slice keys: numbers of 32 bits as those of 64 that they are."""
    return str(value.item() if isinstance(value, np.generic) else value)
