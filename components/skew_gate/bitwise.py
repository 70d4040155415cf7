"""Compares arrays bit for bit: what == calls equal is not enough, and NaN has to equal itself."""

import collections

import numpy as np

Arrays = dict[str, np.ndarray]


def describe_type(values: np.ndarray) -> str:
    """Returns dtype and shape, such as `float32 [5, 1]`; strings are arrays of bytes objects."""
    dtype = "string" if values.dtype == object else values.dtype
    return f"{dtype} {list(values.shape)}"


def bits(values: np.ndarray) -> np.ndarray:
    """Returns values for which == means the same bits: NaN equals itself, -0.0 is not 0.0."""
    return values.view(f"i{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def are_reordered(features: Arrays, exported: Arrays) -> bool:
    """Whether both sides have the same rows in another order: then rows are mixed up, and no feature is wrong.

    Columns whose values are not the same on both sides, such as rounded ones, are left out.
    """
    names = [
        name
        for name in sorted(features.keys() & exported.keys())
        if describe_type(features[name]) == describe_type(exported[name])
        and _count_rows([features[name]]) == _count_rows([exported[name]])
    ]
    if all((bits(features[name]) == bits(exported[name])).all() for name in names):
        return False
    return _count_rows([features[name] for name in names]) == _count_rows([exported[name] for name in names])


def _count_rows(columns: list[np.ndarray]) -> collections.Counter[tuple[object, ...]]:
    rows = zip(*(map(tuple, bits(values).reshape(len(values), -1).tolist()) for values in columns), strict=True)
    return collections.Counter(rows)
