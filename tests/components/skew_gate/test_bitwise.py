"""Two arrays, bit for bit."""

import numpy as np
import pytest

from components.skew_gate.bitwise import are_reordered, describe_type, row_distances

NAN, OTHER_NAN = np.array([0x7FC00000, 0x7FC00001], np.uint32).view(np.float32)


def column(*values: object, dtype: object = np.float32) -> np.ndarray:
    return np.array([[value] for value in values], dtype=dtype)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (column(1.0, 2.0), column(1.0, 2.5), [-1, 0.5]),
        (column(0.0), column(-0.0), [0]),
        (column(NAN), column(NAN), [-1]),
        (column(NAN), column(OTHER_NAN), [np.finfo(np.float64).max]),
        (column(NAN), column(1.0), [np.finfo(np.float64).max]),
        (column(np.inf), column(np.inf), [-1]),
        (column(np.inf), column(-np.inf), [np.finfo(np.float64).max]),
        (column(7, dtype=np.int64), column(9, dtype=np.int64), [2]),
        (column(b"a", b"b", dtype=object), column(b"a", b"c", dtype=object), [-1, 1]),
        (column(b"a", dtype=object), column(b"a\0", dtype=object), [1]),
        (np.float32([[1, 2, 3]]), np.float32([[1, 5, 4]]), [3]),
        (np.zeros((2, 0), np.float32), np.zeros((2, 0), np.float32), [-1, -1]),
    ],
    ids=[
        "value",
        "sign of zero",
        "NaN",
        "bits of NaN",
        "NaN and number",
        "inf",
        "-inf",
        "int",
        "string",
        "NUL",
        "wide",
        "none",
    ],
)
def test_every_bit_counts(left: np.ndarray, right: np.ndarray, expected: list[float]) -> None:
    assert row_distances(left, right, None).tolist() == expected


@pytest.mark.parametrize(
    ("left", "right", "differs"),
    [
        (0.5, 0.5 + 2**-20, False),
        (0.5, 0.5 + 2**-19, True),
        (4096.0, 4096.0 + 2**-8, False),  # 1e-6 of the value
        (4096.0, 4096.0 + 2**-7, True),
        (0.0, -0.0, False),
        (NAN, NAN, False),
        (NAN, 0.5, True),
        (0.5, NAN, True),
        (np.inf, -np.inf, True),
    ],
)
def test_tolerance_is_absolute_up_to_1_and_relative_beyond(left: float, right: float, differs: bool) -> None:
    (distance,) = row_distances(column(left), column(right), 1e-6)
    assert (distance >= 0) == differs


def test_same_rows_in_another_order() -> None:
    one = {"a": column(1, 2, 2), "b": column(b"x", b"y", b"z", dtype=object)}
    turned = {name: values[::-1] for name, values in one.items()}
    assert are_reordered(one, turned)
    assert not are_reordered(one, one)
    assert not are_reordered(one, turned | {"a": column(1, 2, 2)}), "columns that were reordered apart are other rows"
    assert not are_reordered(one, {"a": column(1, 2, 3), "b": one["b"]})
    assert are_reordered(one, turned | {"a": column(1, 2, 2, dtype=np.int64)}), "what cannot be compared is left out"
    assert not are_reordered(one, {})


def test_kind() -> None:
    assert describe_type(column(1.0, 2.0)) == "float32 [2, 1]"
    assert describe_type(column(b"x", dtype=object)) == "string [1, 1]"
