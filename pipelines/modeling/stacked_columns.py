"""Stack raw columns in a TensorFlow graph with a few operations, independent of the number of columns."""

import dataclasses
from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf

Raw: TypeAlias = tf.Tensor | tf.SparseTensor  # dense [batch, 1], or sparse with at most one value a row


@dataclasses.dataclass(frozen=True)
class StackedColumns:
    """Raw columns as one tensor."""

    values: tf.Tensor  # [batch, columns]; absent: NaN, which analyzers ignore, or the empty string
    present: tf.Tensor  # bool [batch, columns]; whether the row has a value, even NaN


def stack_columns(columns: Sequence[Raw], dtype: tf.DType) -> StackedColumns:
    """Return columns stacked in their order.

    Two values in a row of a sparse column are an error when the graph runs.

    Args:
        columns: one or more.
        dtype: of the result: string, or float64, to which numbers are cast.
    """
    sparse = [place for place, column in enumerate(columns) if isinstance(column, tf.SparseTensor)]
    dense = [place for place, column in enumerate(columns) if not isinstance(column, tf.SparseTensor)]
    stacks = [_stack_dense([columns[place] for place in dense], dtype)] if dense else []
    stacks += [_stack_sparse([columns[place] for place in sparse], dtype)] if sparse else []
    if len(stacks) == 1:
        return stacks[0]
    order = sorted(range(len(columns)), key=(dense + sparse).__getitem__)
    return StackedColumns(
        *(
            tf.ensure_shape(tf.gather(tf.concat(halves, axis=1), order, axis=1), [None, len(columns)])
            for halves in zip(*((stack.values, stack.present) for stack in stacks), strict=True)
        )
    )


def values_of(raw: Raw) -> tf.Tensor:
    """Return the present values, of any shape."""
    return raw.values if isinstance(raw, tf.SparseTensor) else raw


def with_values(raw: Raw, values: tf.Tensor) -> Raw:
    """Return the same column with other values in the shape of values_of; absent values stay absent."""
    return raw.with_values(values) if isinstance(raw, tf.SparseTensor) else values


def _stack_dense(columns: Sequence[tf.Tensor], dtype: tf.DType) -> StackedColumns:
    values = tf.concat([tf.cast(column, dtype) for column in columns], axis=1)
    return StackedColumns(values, tf.ones_like(values, tf.bool))


def _stack_sparse(columns: Sequence[tf.SparseTensor], dtype: tf.DType) -> StackedColumns:
    """Return all columns as one sparse tensor that was made dense.

    A second value in a row is placed beyond the last column, where to_dense refuses it. The columns' own shapes are not
    used, because they are [batch, 0] if no row of the batch has a value.
    """
    count = len(columns)
    counts = tf.concat([tf.shape(column.values, tf.int64) for column in columns], axis=0)
    places = tf.concat([column.indices for column in columns], axis=0)  # [values, 2]
    column = tf.repeat(tf.range(count, dtype=tf.int64), counts) + count * places[:, 1]
    together = tf.sparse.reorder(
        tf.SparseTensor(
            tf.stack([places[:, 0], column], axis=1),
            tf.concat([tf.cast(column.values, dtype) for column in columns], axis=0),
            tf.stack([columns[0].dense_shape[0], count]),
        )
    )
    default = tf.constant("" if dtype == tf.string else float("nan"), dtype)
    values = tf.sparse.to_dense(together, default)
    present = tf.sparse.to_dense(together.with_values(tf.ones_like(together.values, tf.bool)), False)
    return StackedColumns(tf.ensure_shape(values, [None, count]), tf.ensure_shape(present, [None, count]))
