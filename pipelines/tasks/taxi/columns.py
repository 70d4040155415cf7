"""Make raw columns dense, and compute numbers of several of them."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import tensorflow as tf

Raw: TypeAlias = tf.Tensor | tf.SparseTensor  # dense [batch, 1], or sparse with at most one value a row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Computed:
    """A number computed of several raw columns; it is missing in a row that lacks one of them."""

    of: tuple[str, ...]  # raw columns of numbers
    # Receives the columns' numbers, float64 [batch, 1] each and NaN if missing; returns float64 [batch, 1].
    by: Callable[..., tf.Tensor]


Source: TypeAlias = str | Computed  # a raw column, or a number computed of several


def columns_of(source: Source) -> tuple[str, ...]:
    """Return the raw columns that a source is made of."""
    return (source,) if isinstance(source, str) else source.of


class Columns:
    """The raw columns of a batch; each form of a column is computed only once."""

    def __init__(self, raw: Mapping[str, Raw]):
        self.raw = raw
        self.number = functools.cache(self._number)
        self.present = functools.cache(self._present)

    def _number(self, source: Source) -> tf.Tensor:
        """Return float64 [batch, 1], NaN for a row without a value; analyzers ignore NaN."""
        if isinstance(source, Computed):
            return source.by(*map(self.number, source.of))
        return dense(tf.cast(self.raw[source], tf.float64), float("nan"))

    def _present(self, source: Source) -> tf.Tensor:
        """Return bool [batch, 1]: whether the row has a value, even NaN."""
        if isinstance(source, Computed):
            return functools.reduce(tf.logical_and, map(self.present, source.of))
        raw = self.raw[source]
        if isinstance(raw, tf.SparseTensor):
            return dense(raw.with_values(tf.ones_like(raw.values, tf.bool)), False)
        return tf.ones_like(raw, tf.bool)


def dense(raw: Raw, default: float | bool) -> tf.Tensor:
    """Return [batch, 1], with `default` in rows without a value."""
    if not isinstance(raw, tf.SparseTensor):
        return raw
    # The column's own shape is [batch, 0] if no row of the batch has a value. Two values in a row do not fit this
    # shape, and are an error.
    shape = tf.stack([raw.dense_shape[0], 1])
    return tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape), default)
