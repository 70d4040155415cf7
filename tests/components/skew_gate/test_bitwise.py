"""Two arrays, bit for bit."""

import numpy as np

from components.skew_gate.bitwise import are_reordered, describe_type


def column(*values: object, dtype: object = np.float32) -> np.ndarray:
    return np.array([[value] for value in values], dtype=dtype)


def test_same_rows_in_another_order() -> None:
    one = {"a": column(1, 2, 2), "b": column(b"x", b"y", b"z", dtype=object)}
    turned = {name: values[::-1] for name, values in one.items()}
    assert are_reordered(one, turned)
    assert not are_reordered(one, one)
    assert not are_reordered(one, turned | {"a": column(1, 2, 2)}), "columns that were reordered apart are other rows"
    assert not are_reordered(one, {"a": column(1, 2, 3), "b": one["b"]})
    assert are_reordered(one, turned | {"a": column(1, 2, 2, dtype=np.int64)}), "what cannot be compared is left out"
    rounded = {"log": column(0.1, 0.2, 0.3)}
    assert are_reordered(one | rounded, turned | {"log": column(0.3, 0.2, np.nextafter(0.1, 1, dtype=np.float32))})
    assert not are_reordered(one, {})


def test_kind() -> None:
    assert describe_type(column(1.0, 2.0)) == "float32 [2, 1]"
    assert describe_type(column(b"x", dtype=object)) == "string [1, 1]"
