"""Stacked columns hold the values of each column, in its place, and know what is absent."""

import math

import pytest
import tensorflow as tf

from pipelines.modeling.stacked_columns import Raw, StackedColumns, stack_columns, values_of, with_values

NAN = math.nan


def sparse(cells: list[object], dtype: tf.DType = tf.float32) -> tf.SparseTensor:
    """As tf.io.parse_example gives a column that can be missing: [batch, 0] where no row has a value."""
    rows = [row for row, cell in enumerate(cells) if cell is not None]
    values = tf.constant([cells[row] for row in rows], dtype)
    indices = tf.reshape(tf.constant([[row, 0] for row in rows], tf.int64), [-1, 2])
    return tf.SparseTensor(indices, values, [len(cells), 1 if rows else 0])


def dense(cells: list[object], dtype: tf.DType = tf.float32) -> tf.Tensor:
    return tf.constant([[cell] for cell in cells], dtype)


def run(columns: list[Raw], dtype: tf.DType = tf.float64) -> StackedColumns:
    """In a graph, as Transform does."""
    found = {}

    @tf.function(autograph=False)
    def stacked() -> tuple[tf.Tensor, tf.Tensor]:
        stack = stack_columns(columns, dtype)
        found["shapes"] = stack.values.shape.as_list()[1:], stack.present.shape.as_list()[1:]
        return stack.values, stack.present

    values, present = stacked()
    assert found["shapes"] == ([len(columns)], [len(columns)])  # Transform and Keras have to know them beforehand
    return StackedColumns(values, present)


def test_dense_and_sparse_columns_keep_their_places() -> None:
    columns = [
        sparse([None, 0.5, NAN]),
        dense([1, 2, 3], tf.int64),
        sparse([None, None, None]),
        sparse([7, None, 9], tf.int64),
        dense([0.25, NAN, 4.0]),
    ]
    found = run(columns)
    assert found.values.dtype == tf.float64
    assert repr(found.values.numpy().tolist()) == repr(
        [[NAN, 1.0, NAN, 7.0, 0.25], [0.5, 2.0, NAN, NAN, NAN], [NAN, 3.0, NAN, 9.0, 4.0]]
    )
    assert found.present.numpy().tolist() == [
        [False, True, False, True, True],
        [True, True, False, False, True],
        [True, True, False, True, True],
    ]


@pytest.mark.parametrize("columns", [[dense([1.0, 2.0])], [sparse([1.0, 2.0])]])
def test_one_column_is_a_stack_too(columns: list[Raw]) -> None:
    assert run(columns).values.numpy().tolist() == [[1.0], [2.0]]


def test_whole_numbers_stay_exact() -> None:
    assert run([sparse([2**53 - 1], tf.int64)]).values.numpy().tolist() == [[float(2**53 - 1)]]


def test_an_absent_text_is_empty_and_not_present_while_an_empty_text_is() -> None:
    found = run([sparse([b"", None, b"a"], tf.string), dense([b"x", b"y", b"z"], tf.string)], tf.string)
    assert found.values.numpy().tolist() == [[b"", b"x"], [b"", b"y"], [b"a", b"z"]]
    assert found.present.numpy().tolist() == [[True, True], [False, True], [True, True]]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_two_values_in_a_row_are_an_error_and_no_other_columns_value(place: int) -> None:
    columns: list[Raw] = [sparse([None, 1.0]) for _ in range(3)]
    columns[place] = tf.SparseTensor([[0, 0], [0, 1]], [1.0, 2.0], [2, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
        run(columns)


def test_other_values_of_a_column_leave_absent_what_is() -> None:
    column = sparse([2.0, None])
    doubled = with_values(column, 2 * values_of(column))
    assert tf.sparse.to_dense(doubled, NAN).numpy().tolist()[0] == [4.0]
    assert doubled.indices.numpy().tolist() == [[0, 0]]
    assert with_values(dense([1.0]), 2 * values_of(dense([3.0]))).numpy().tolist() == [[6.0]]
