"""Use numbers as categories."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf

from pipelines.tasks.taxi.columns import Columns, Source, columns_of
from pipelines.tasks.taxi.kinds.kind import Category, Transformed, VocabularySize, by_name, stack


@dataclasses.dataclass(frozen=True, kw_only=True)
class Numbered(Category):
    """A number as a category: ids 0 to last - first, then one id for unseen numbers, and one for missing."""

    source: Source
    first: int  # smallest number
    last: int  # largest number

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that the feature reads."""
        return columns_of(self.source)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of known numbers, plus one id for unseen and one for missing."""
        return self.last - self.first + 3

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return each number's distance from the first; numbers outside the known range are unseen."""
        numbers = stack([columns.number(feature.source) for feature in features])
        first, last = (tf.constant([getattr(each, end) for each in features], tf.float64) for end in ("first", "last"))
        unseen, missing = last - first + 1, last - first + 2
        ids = tf.where((numbers >= first) & (numbers <= last), numbers - first, unseen)
        present = stack([columns.present(feature.source) for feature in features])
        return by_name(features, tf.cast(tf.where(present, ids, missing), tf.int64))
