"""Turn numbers into quantile buckets."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.tasks.taxi.columns import Columns, Source, columns_of
from pipelines.tasks.taxi.kinds.kind import Category, Transformed, VocabularySize, by_name, stack

_QUANTILE_ERROR = 0.001  # largest error of a bucket's edge, as a share of the rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bucketised(Category):
    """A number as a quantile bucket: 0 to buckets - 1, then one id for missing. An edge belongs to the bucket above."""

    source: Source
    buckets: int  # features with the same number of buckets share one pass over the data
    ordered = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that the feature reads."""
        return columns_of(self.source)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of buckets, plus one for missing."""
        return self.buckets + 1

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return each number's bucket."""
        outputs: Transformed = {}
        for buckets in sorted({feature.buckets for feature in features}):
            found = [feature for feature in features if feature.buckets == buckets]
            numbers = tf.cast(stack([columns.number(feature.source) for feature in found]), tf.float32)
            edges = tft.quantiles(numbers, buckets, _QUANTILE_ERROR, reduce_instance_dims=False)
            edges = tf.reshape(edges, [len(found), buckets - 1])
            ids = tf.transpose(tf.searchsorted(edges, tf.transpose(numbers), side="right", out_type=tf.int64))
            present = stack([columns.present(feature.source) for feature in found])
            outputs |= by_name(found, tf.where(present, ids, tf.constant(buckets, tf.int64)))
        return outputs
