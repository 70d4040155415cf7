"""Compares arrays bit for bit: what == calls equal is not enough, and NaN has to equal itself."""

import collections

import numpy as np

Arrays = dict[str, np.ndarray]


def describe_type(values: np.ndarray) -> str:
    """Returns dtype and shape, such as `float32 [5, 1]`; strings are arrays of bytes objects."""
    dtype = "string" if values.dtype == object else values.dtype
    return f"{dtype} {list(values.shape)}"


def _bits(values: np.ndarray) -> np.ndarray:
    """Returns values for which == means the same bits: NaN equals itself, -0.0 is not 0.0."""
    return values.view(f"i{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def row_distances(left: np.ndarray, right: np.ndarray, tolerance: float | None) -> np.ndarray:
    """Measures row by row how far apart two arrays [rows, n] of one type are.

    Args:
        left: float32, int64, or bytes objects.
        right: of the same dtype and shape.
        tolerance: largest difference to accept, relative for values beyond 1; None: every bit counts.

    Returns:
        [rows] float64: the largest absolute difference in the row, 1 between strings; -1 where the row does not differ.
    """
    differs = _bits(left) != _bits(right)
    if left.dtype == object:
        gap = np.ones(left.shape)
    else:
        with np.errstate(invalid="ignore"):  # inf - inf
            gap = np.abs(left.astype(np.float64) - right)
        gap = np.where(np.isfinite(gap), gap, np.finfo(np.float64).max)
    if tolerance is not None:
        differs &= ~(np.isfinite(left) & (gap <= tolerance * np.maximum(1.0, np.abs(left))))
    return np.where(differs, gap, -1.0).reshape(len(left), -1).max(axis=1, initial=-1.0)


def are_reordered(features: Arrays, exported: Arrays) -> bool:
    """Whether both sides have the same rows in another order: then the pairing is broken, not a feature."""
    names = [
        name
        for name in sorted(features.keys() & exported.keys())
        if (features[name].dtype, features[name].shape) == (exported[name].dtype, exported[name].shape)
    ]
    if all((_bits(features[name]) == _bits(exported[name])).all() for name in names):
        return False
    batch_rows, exported_rows = (
        collections.Counter(zip(*(map(tuple, _bits(arrays[name]).tolist()) for name in names), strict=True))
        for arrays in (features, exported)
    )
    return batch_rows == exported_rows
