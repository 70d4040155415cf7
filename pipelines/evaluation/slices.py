"""Slices of rows, as the Evaluator names them. Loads neither TFX nor pandas."""

from typing import Any

import numpy as np

OVERALL = "overall"

Slice = tuple[tuple[str, str], ...]  # pairs of column and value; empty: all rows
SliceMetrics = dict[str, dict[str, float | None]]  # slice in words -> metric -> value; None: undefined there


def slice_in_words(where: Slice) -> str:
    """Describes a slice: (("payment_type", "Cash"),) -> "payment_type = Cash"; () -> "overall"."""
    return ", ".join(f"{name} = {value}" for name, value in where) or OVERALL


def in_slice(rows: Any, where: Slice) -> np.ndarray:
    """Tells which rows belong to a slice, as TFMA counts them: bool [rows].

    Args:
        rows: DataFrame of raw rows, as Run.rows gives them.
        where: the slice; its columns are among those of `rows`.
    """
    inside = np.ones(len(rows), dtype=bool)
    for name, value in where:
        column = rows[name]
        inside &= (column.notna() & (column.astype(str) == value)).to_numpy(dtype=bool)
    return inside
