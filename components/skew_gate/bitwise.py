"""Compare arrays bit for bit, where NaN equals itself and 0.0 differs from -0.0."""

import collections

import numpy as np

Arrays = dict[str, np.ndarray]


def describe_type(values: np.ndarray) -> str:
    """Return dtype and shape; an array of bytes objects is called `string`.

    Example:
        >>> describe_type(np.zeros((5, 1), np.float32))
        'float32 [5, 1]'
        >>> describe_type(np.array([b"a", b"b"], dtype=object))
        'string [2]'
    """
    dtype = "string" if values.dtype == object else values.dtype
    return f"{dtype} {list(values.shape)}"


def bits(values: np.ndarray) -> np.ndarray:
    """Return values for which == compares bits: floats as integers of the same size, other types unchanged.

    Example:
        >>> bits(np.array([np.nan, 0.0])) == bits(np.array([np.nan, -0.0]))
        array([ True, False])
    """
    return values.view(f"i{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def are_reordered(features: Arrays, exported: Arrays) -> bool:
    """Return whether both sides hold the same rows in another order, so that the order is wrong and no feature is.

    Columns whose values are not the same on both sides, such as rounded ones, are left out.

    Args:
        features: what Transform wrote, feature -> [rows, n].
        exported: what the exported model computed, likewise.

    Example:
        >>> one, other = np.array([[1], [2]]), np.array([[2], [1]])
        >>> are_reordered({"x": one}, {"x": other}), are_reordered({"x": one}, {"x": one})
        (True, False)
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
