"""The one definition of every taxi feature: Transform runs it over all rows, and its graph travels inside the model.

The rows that Beam transforms in large batches and the requests that a server answers one by one have to give the same
features, but for rounding, and SkewGate checks that they do. Hence:

- Arithmetic on numbers is float64, and float32 only at the very end: rounding then moves no value over a bucket's edge.
- Absent and NaN are two things. Absent has an id of its own, or the mean. NaN is nobody's default: it makes that row's
  z-score NaN and so its prediction NaN, which no one takes for an answer.

Columns of a kind are stacked: an analyzer costs a pass over the data, and an operation costs time at every start.
"""

import functools
from collections.abc import Sequence
from typing import TypeAlias

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.modeling.vocabularies import as_lines
from pipelines.tasks.taxi import features as ft

Raw: TypeAlias = tf.Tensor | tf.SparseTensor  # dense [batch, 1], or sparse with at most one value a row
Transformed = dict[str, tf.Tensor]  # by feature name; [batch, 1], float32 or int64

_QUANTILE_ERROR = 0.001  # largest share of the rows by which a bucket's edge may be off


def preprocessing_fn(inputs: dict[str, Raw]) -> Transformed:
    """Computes every record of features.py, and the label.

    Args:
        inputs: raw columns; numbers, or strings for what has a vocabulary. A column that can be missing is sparse.

    Returns:
        One tensor [batch, 1] per feature, float32 for `Scaled` and int64 for all others, and the label, int64.
    """
    columns = {name: Column(raw) for name, raw in inputs.items()}
    outputs = {**_scaled(columns), **_bucketised(columns), **_numbered(columns)}
    for feature in ft.FEATURES:
        match feature:
            case ft.Vocabulary():
                outputs[feature.name] = columns[feature.source].ids_in(feature)
            case ft.DayOfYear():
                outputs[feature.name] = _days_since_march(columns[feature.source].number) // feature.days
            case ft.Crossed():
                left, right = outputs[feature.left.name], outputs[feature.right.name]
                outputs[feature.name] = left * feature.right.size + right
    outputs[ft.LABEL] = _big_tip(columns[ft.TIPS].number, columns[ft.FARE].number)
    return outputs


class Column:
    """A raw column made dense, [batch, 1]; each form of it is computed once."""

    def __init__(self, raw: Raw):
        self._raw = raw

    @functools.cached_property
    def number(self) -> tf.Tensor:
        """Float64; NaN where absent, which every analyzer leaves out."""
        return self._dense(tf.cast(self._raw, tf.float64), float("nan"))

    @functools.cached_property
    def present(self) -> tf.Tensor:
        """Bool; whether the row has a value, be it NaN."""
        if isinstance(self._raw, tf.SparseTensor):
            return self._dense(self._raw.with_values(tf.ones_like(self._raw.values, tf.bool)), False)
        return tf.ones_like(self._raw, tf.bool)

    def ids_in(self, vocabulary: ft.Vocabulary) -> tf.Tensor:
        """Int64; 0 where absent: no string has that id, whatever it spells."""
        ids = tft.compute_and_apply_vocabulary(
            as_lines(self._raw),
            frequency_threshold=vocabulary.min_count,
            num_oov_buckets=vocabulary.oov_buckets,
            vocab_filename=vocabulary.name,
        )
        return self._dense(ids, -1) + 1

    def _dense(self, raw: Raw, default: float | bool) -> tf.Tensor:
        if not isinstance(raw, tf.SparseTensor):
            return raw
        # Not the shape it comes with, which is [batch, 0] where no row of the batch has a value. Two values in a row do
        # not fit and are an error.
        shape = tf.stack([raw.dense_shape[0], 1])
        return tf.sparse.to_dense(tf.SparseTensor(raw.indices, raw.values, shape), default)


Columns = dict[str, Column]


def _scaled(columns: Columns) -> Transformed:
    """(x - mean) / standard deviation, both over the values that are there."""
    found = [feature for feature in ft.FEATURES if isinstance(feature, ft.Scaled)]
    numbers = _stack([columns[feature.source].number for feature in found])
    signed_root = tf.sign(numbers) * tf.sqrt(tf.abs(numbers))
    shaped = tf.where([feature.square_root for feature in found], signed_root, numbers)
    scores = tf.cast(tft.scale_to_z_score(shaped, elementwise=True), tf.float32)
    present = _stack([columns[feature.source].present for feature in found])
    return _by_name(found, tf.where(present, scores, tf.zeros_like(scores)))


def _bucketised(columns: Columns) -> Transformed:
    """Quantile buckets; an edge belongs to the bucket above it."""
    outputs: Transformed = {}
    for buckets in sorted({feature.buckets for feature in ft.FEATURES if isinstance(feature, ft.Bucketised)}):
        found = [
            feature for feature in ft.FEATURES if isinstance(feature, ft.Bucketised) and feature.buckets == buckets
        ]
        numbers = tf.cast(_stack([columns[feature.source].number for feature in found]), tf.float32)
        edges = tft.quantiles(numbers, buckets, _QUANTILE_ERROR, reduce_instance_dims=False)  # [features, buckets - 1]
        edges = tf.reshape(edges, [len(found), buckets - 1])
        ids = tf.transpose(tf.searchsorted(edges, tf.transpose(numbers), side="right", out_type=tf.int64))
        present = _stack([columns[feature.source].present for feature in found])
        outputs |= _by_name(found, tf.where(present, ids, tf.constant(buckets, tf.int64)))
    return outputs


def _numbered(columns: Columns) -> Transformed:
    """Numbers as ids; what the known range does not hold is unseen."""
    found = [feature for feature in ft.FEATURES if isinstance(feature, ft.Numbered)]
    numbers = _stack([columns[feature.source].number for feature in found])
    first, last = (tf.constant([getattr(f, end) for f in found], tf.float64) for end in ("first", "last"))
    unseen, missing = last - first + 1, last - first + 2
    ids = tf.where((numbers >= first) & (numbers <= last), numbers - first, unseen)
    present = _stack([columns[feature.source].present for feature in found])
    return _by_name(found, tf.cast(tf.where(present, ids, missing), tf.int64))


def _days_since_march(seconds: tf.Tensor) -> tf.Tensor:
    """Seconds since 1970 -> days since the last 1 March, 0 to 365, int64 [batch, 1].

    Whole numbers only, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    days = tf.cast(seconds, tf.int64) // 86_400 + 719_468  # since 1 March of year 0
    of_era = days % 146_097  # an era is 400 years
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    return of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)


def _big_tip(tips: tf.Tensor, fare: tf.Tensor) -> tf.Tensor:
    """In whole cents: one tip in a hundred is exactly a fifth of the fare, which float32 would throw a coin on."""
    return tf.cast(ft.FARE_PER_BIG_TIP * tf.round(tips * 100) > tf.round(fare * 100), tf.int64)


def _stack(columns: Sequence[tf.Tensor]) -> tf.Tensor:
    """[batch, 1] each -> [batch, columns]."""
    return tf.concat(columns, axis=1)


def _by_name(found: Sequence[ft.Feature], stacked: tf.Tensor) -> Transformed:
    return dict(zip((feature.name for feature in found), tf.split(stacked, len(found), axis=1), strict=True))
