"""Raw columns made dense, and numbers that are computed of several of them."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import tensorflow as tf

Raw: TypeAlias = tf.Tensor | tf.SparseTensor  # dense [batch, 1], or sparse with at most one value a row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Computed:
    """A number that is computed of several raw columns. A row lacks it where it lacks one of them."""

    of: tuple[str, ...]  # raw columns of numbers
    # Takes the columns' numbers, float64 [batch, 1] each and NaN where missing; returns the same, float64 [batch, 1].
    by: Callable[..., tf.Tensor]


Source: TypeAlias = str | Computed  # a raw column, or what is computed of several


def columns_of(source: Source) -> tuple[str, ...]:
    """Return the raw columns that a source reads."""
    return (source,) if isinstance(source, str) else source.of


class Columns:
    """The raw columns of a batch; each form of a column is computed once."""

    def __init__(self, raw: Mapping[str, Raw]):
        self.raw = raw
        self.number = functools.cache(self._number)
        self.present = functools.cache(self._present)

    def _number(self, source: Source) -> tf.Tensor:
        """Return float64 [batch, 1]; NaN where a row has no value, which every analyzer leaves out."""
        if isinstance(source, Computed):
            return source.by(*map(self.number, source.of))
        return dense(tf.cast(self.raw[source], tf.float64), float("nan"))

    def _present(self, source: Source) -> tf.Tensor:
        """Return bool [batch, 1]: whether the row has a value, be it NaN."""
        if isinstance(source, Computed):
            return functools.reduce(tf.logical_and, map(self.present, source.of))
        raw = self.raw[source]
        if isinstance(raw, tf.SparseTensor):
            return dense(raw.with_values(tf.ones_like(raw.values, tf.bool)), False)
        return tf.ones_like(raw, tf.bool)


def dense(raw: Raw, default: float | bool) -> tf.Tensor:
    """Return [batch, 1], with `default` where a row has no value."""
    if not isinstance(raw, tf.SparseTensor):
        return raw
    # Not the shape it comes with, which is [batch, 0] where no row of the batch has a value. Two values in a row do
    # not fit and are an error.
    shape = tf.stack([raw.dense_shape[0], 1])
    return tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape), default)
