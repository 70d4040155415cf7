"""What Transform wrote, decoded."""

import keras
import numpy as np
import pytest

from components.row_keys import ROW_KEY
from components.skew_gate import batch_path
from components.skew_gate.batch_path import BatchChunk, BatchPath, decode_examples
from components.skew_gate.bitwise import Arrays
from tests import handmade


def examples(*rows: dict[str, object]) -> np.ndarray:
    return np.array([handmade.to_example(row) for row in rows], dtype=object)


def test_types_and_shapes_are_those_of_the_rows() -> None:
    arrays = decode_examples(examples({"x": 0.1, "n": [1, 2], "s": "é"}, {"x": 2.5, "n": [3, 4], "s": ""}))
    assert {name: (values.dtype, values.tolist()) for name, values in arrays.items()} == {
        "x": (np.float32, [[float(np.float32(0.1))], [2.5]]),
        "n": (np.int64, [[1, 2], [3, 4]]),
        "s": (object, [["é".encode()], [b""]]),
    }


@pytest.mark.parametrize(
    ("rows", "received"),
    [
        ([{"x": [1.0, 2.0]}, {"x": 1.0}], "[('float_list', 1), ('float_list', 2)] in 2 rows"),
        ([{"x": 1.0}, {"x": 1}], "[('float_list', 1), ('int64_list', 1)] in 2 rows"),
        ([{"x": 1.0}, {}], "[('float_list', 1)] in 1 rows"),
    ],
    ids=["lengths", "types", "absent"],
)
def test_rows_that_are_not_dense(rows: list[dict[str, object]], received: str) -> None:
    with pytest.raises(ValueError, match="transformed feature x is not dense") as error:
        decode_examples(examples(*rows))
    assert str(error.value) == (
        "transformed feature x is not dense: expected one type and number of values in each of 2 rows, received "
        f"{received}; densify it in preprocessing_fn."
    )


def test_the_trained_model_predicts_rows_that_are_rounded_otherwise() -> None:
    """Only these, once per layout; a layout of other features explains nothing."""
    asked: list[list[float]] = []

    def predict(features: Arrays) -> np.ndarray:
        asked.append(features["x"].ravel().tolist())
        return features["x"] + 10 * features["n"]

    x, n = np.float32([[1], [2], [3]]), np.array([[1], [0], [1]])
    own = {"x": x, "n": n}
    chunk = BatchChunk(features=own, predictions={1: x + 10 * n, 512: np.float32([[11], [2], [13]])}, predict=predict)
    other = {"x": np.float32([[1], [2.5], [3]]), "n": np.array([[1], [0], [0]])}
    layouts = [own, other, {"x": x}, {"x": x, "n": n.astype(np.float32)}, other | {"more": x}]
    found = [values.ravel().tolist() for values in chunk.predict_layouts(layouts)]
    assert found == [[11, 2, 13], [11, 2.5, 3], [11, 2.5, 3]]
    assert asked == [[2.5, 3], [2.5, 3]]


@pytest.mark.parametrize(("kept_bytes", "times"), [(1000, 1), (30, 2)], ids=["kept", "too large"])
def test_features_are_decoded_once_where_they_are_not_too_large(
    monkeypatch: pytest.MonkeyPatch, kept_bytes: int, times: int
) -> None:
    decoded: list[int] = []

    def decode(chunk: int) -> Arrays:
        decoded.append(chunk)
        return {"x": np.full((2, 1), chunk), ROW_KEY: np.array([[chunk], [-chunk]])}

    monkeypatch.setattr(batch_path, "_KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(batch_path, "read_chunks", lambda _: iter([1, 2]))
    monkeypatch.setattr(batch_path, "decode_examples", decode)
    x = keras.Input((1,), name="x")
    path = BatchPath([], keras.Model({"x": x}, keras.layers.Dense(1)(x)), (1, 2))
    walks = [[features["x"].ravel().tolist() for features in path.features()] for _ in range(2)]
    assert walks == [[[1, 1], [2, 2]]] * 2
    assert decoded == [1, 2] * times
    assert path.row_keys().tolist() == [1, -1, 2, -2]
