"""Transformed rows: always in the same order, each held out once, and refused where no model can learn from them."""

import random
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipelines.modeling import transformed_rows
from pipelines.modeling.fitting import make_batches
from pipelines.modeling.transformed_rows import (
    TrainingError,
    TransformedRows,
    read_rows,
    require_classes,
    require_different_labels,
)
from tests import handmade


@pytest.fixture
def transform(handmade_transform: tuple[str, str]) -> tft.TFTransformOutput:
    return tft.TFTransformOutput(handmade_transform[0])


@pytest.fixture
def rows(handmade_transform: tuple[str, str], transform: tft.TFTransformOutput) -> TransformedRows:
    return read_rows([handmade_transform[1]], transform, handmade.LABEL)


@pytest.mark.slow
def test_rows(rows: TransformedRows) -> None:
    assert len(rows) == len(handmade.ROWS)
    assert rows.labels.dtype == np.int64
    assert rows.labels.shape == (len(rows), 1)
    assert rows.labels.sum() == sum(row["tips"] > 0.2 * row["fare"] for row in handmade.ROWS)
    assert handmade.LABEL not in rows.features
    assert {name: (values.dtype.kind, values.shape) for name, values in rows.features.items()} == {
        **dict.fromkeys(("fare", "miles"), ("f", (100, 1))),
        **dict.fromkeys(("company", "hour", "miles_missing", "payment", "seconds"), ("i", (100, 1))),
        "company_name": ("O", (100, 1)),
    }


@pytest.mark.slow
def test_order_does_not_depend_on_how_rows_were_written(
    rows: TransformedRows, handmade_transform: tuple[str, str], transform: tft.TFTransformOutput, tmp_path: Path
) -> None:
    records = handmade.read_records(handmade_transform[1])
    random.Random(0).shuffle(records)
    handmade.write_records(tmp_path / "part-1.gz", records[:30])
    handmade.write_records(tmp_path / "part-0.gz", records[30:])
    other = read_rows([str(tmp_path / "part-1*"), str(tmp_path / "part-0*")], transform, handmade.LABEL)
    np.testing.assert_array_equal(other.labels, rows.labels)
    for name, values in rows.features.items():
        np.testing.assert_array_equal(other.features[name], values)


@pytest.mark.slow
def test_no_rows(transform: tft.TFTransformOutput, tmp_path: Path) -> None:
    empty = handmade.write_records(tmp_path / "empty.gz", [])
    with pytest.raises(TrainingError) as error:
        read_rows([empty], transform, handmade.LABEL)
    assert str(error.value) == f"no rows to read: expected at least one, received none in {empty}"


@pytest.mark.slow
@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_features_that_are_no_numbers(
    transform: tft.TFTransformOutput, handmade_transform: tuple[str, str], tmp_path: Path, number: float
) -> None:
    records = handmade.read_records(handmade_transform[1])
    example = tf.train.Example.FromString(records[7])
    example.features.feature["miles"].float_list.value[:] = [number]
    records[7] = example.SerializeToString()
    file = handmade.write_records(tmp_path / "rows.gz", records)
    with pytest.raises(
        TrainingError, match=r"^miles: expected finite numbers, received NaN or infinity in 1 of 100 train"
    ):
        read_rows([file], transform, handmade.LABEL)


@pytest.mark.slow
def test_no_such_label(transform: tft.TFTransformOutput, handmade_transform: tuple[str, str]) -> None:
    with pytest.raises(TrainingError) as error:
        read_rows([handmade_transform[1]], transform, "tip")
    assert str(error.value) == (
        "preprocessing_fn gives no label 'tip': expected it among big_tip, company, company_name, fare, hour, miles, "
        "miles_missing, payment, seconds"
    )


class SparseOutput:
    """A transform output with a sparse feature."""

    def transformed_feature_spec(self) -> dict[str, object]:
        return {"big_tip": tf.io.FixedLenFeature([1], tf.int64), "words": tf.io.VarLenFeature(tf.string)}


@pytest.mark.slow
def test_sparse_features_cannot_be_trained_on(handmade_transform: tuple[str, str]) -> None:
    with pytest.raises(TrainingError) as error:
        read_rows([handmade_transform[1]], SparseOutput(), handmade.LABEL)
    assert str(error.value) == "transformed features are sparse: words; densify them in preprocessing_fn"


@pytest.mark.parametrize(
    ("name", "shape", "received"),
    [("fare", [], "[batch]"), ("big_tip", [], "[batch]"), ("fare", [3, 2], "[batch, 3, 2]")],
)
def test_refuses_what_is_no_column(name: str, shape: list[int], received: str) -> None:
    spec = {one: tf.io.FixedLenFeature([1], tf.float32) for one in ("big_tip", "fare", "miles")}
    transform = mock.Mock()
    transform.transformed_feature_spec.return_value = spec | {name: tf.io.FixedLenFeature(shape, tf.float32)}
    with pytest.raises(TrainingError) as error:
        read_rows([], transform, "big_tip")
    assert str(error.value) == (
        f"{name}: expected [batch, n] of preprocessing_fn, received {received}; give it that shape there, with "
        "tf.expand_dims(..., axis=1) or tf.reshape"
    )


def test_hold_out() -> None:
    values = np.arange(10).reshape(10, 1)
    kept, held_out = TransformedRows(features={"x": values}, labels=values).hold_out(one_in=4)
    assert held_out.features["x"].ravel().tolist() == held_out.labels.ravel().tolist() == [3, 7]
    assert kept.features["x"].ravel().tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    with pytest.raises(TrainingError, match="too few training rows: expected 11 or more, received 10; bring more"):
        TransformedRows(features={}, labels=values).hold_out(one_in=11)


def test_rows_that_are_taken_share_the_columns() -> None:
    values = np.arange(10).reshape(10, 1)
    rows = TransformedRows(features={"x": values}, labels=-values)
    taken = rows.take(np.array([7, 2])).take(np.array([False, True]))
    assert (taken.features["x"].tolist(), taken.labels.tolist(), len(taken)) == ([[2]], [[-2]], 1)
    assert taken.columns is rows.columns


def test_few_of_many_rows_are_the_right_ones() -> None:
    values = np.arange(70_000).reshape(70_000, 1)
    _, held_out = TransformedRows(features={"x": values}, labels=values).hold_out(one_in=1_000)
    assert held_out.labels.ravel().tolist() == list(range(999, 70_000, 1_000))


@pytest.mark.slow
def test_rows_in_a_file_are_those_in_memory(
    rows: TransformedRows, handmade_transform: tuple[str, str], transform: tft.TFTransformOutput,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(transformed_rows, "HELD_BYTES", 0)
    other = read_rows([handmade_transform[1]], transform, handmade.LABEL)
    assert any(isinstance(table, np.memmap) for table in other.columns.tables)
    for name, values in rows.features.items():
        np.testing.assert_array_equal(other.features[name], values)
    for (ours, our_labels), (theirs, their_labels) in zip(
        make_batches(rows, 30, seed=1), make_batches(other, 30, seed=1), strict=True
    ):
        np.testing.assert_array_equal(our_labels, their_labels)
        for name, values in ours.items():
            np.testing.assert_array_equal(theirs[name], values)


def test_every_row_is_held_out_by_one_fold() -> None:
    values = np.arange(10).reshape(10, 1)
    rows = TransformedRows(features={"x": values}, labels=values)
    folds = [rows.hold_out(4, fold)[1].labels.ravel().tolist() for fold in range(4)]
    assert folds == [[0, 4, 8], [1, 5, 9], [2, 6], [3, 7]]
    assert rows.hold_out(4)[1].labels.ravel().tolist() == folds[3]


def of_labels(*labels: float) -> TransformedRows:
    return TransformedRows(features={}, labels=np.array(labels).reshape(-1, 1))


def test_known_classes_pass() -> None:
    require_classes(of_labels(0, 2, 2), "kind", 3)


@pytest.mark.parametrize(("stray", "count"), [(-1, 1), (3, 2)])
def test_a_value_of_no_class(stray: int, count: int) -> None:
    with pytest.raises(TrainingError, match=rf"^label kind: expected 0 to 2, received {stray} in {count} of"):
        require_classes(of_labels(0, 1, *[stray] * count), "kind", 3)


@pytest.mark.parametrize(
    ("classes", "value", "expected"), [(2, 0, "both 0 and 1"), (2, 1, "both 0 and 1"), (3, 1, "different values")]
)
def test_one_class_only(classes: int, value: int, expected: str) -> None:
    with pytest.raises(TrainingError) as error:
        require_classes(of_labels(value, value, value), "kind", classes)
    assert str(error.value) == (
        f"label kind is {value} in every one of 3 training rows: expected {expected}; check the columns that the label "
        "is made from, or bring more rows."
    )


def test_numbers() -> None:
    require_different_labels(of_labels(1.5, 2.5), "price")
    with pytest.raises(TrainingError, match=r"label price is 1.5 in every one of 2 training rows"):
        require_different_labels(of_labels(1.5, 1.5), "price")
