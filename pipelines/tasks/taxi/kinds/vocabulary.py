"""Strings as ids."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.modeling.vocabularies import as_lines
from pipelines.tasks.taxi.columns import Columns, dense
from pipelines.tasks.taxi.kinds.kind import Category, Transformed, VocabularySize


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vocabulary(Category):
    """A string as id: 0 for missing, the training rows' vocabulary from 1 on, then the ids for the unseen.

    No string has the id of missing, whatever it spells. The vocabulary's file has the feature's name.
    """

    source: str  # raw column
    min_count: int  # rows; what is rarer counts as unseen, so that the model has rows to learn that id from
    oov_buckets: int = 1  # ids for the unseen
    has_vocabulary = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that it reads."""
        return (self.source,)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the missing, the strings of the vocabulary, and the unseen."""
        return 1 + vocabulary_size(self.name) + self.oov_buckets

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Look each string up."""
        outputs: Transformed = {}
        for feature in features:
            ids = tft.compute_and_apply_vocabulary(
                as_lines(columns.raw[feature.source]),
                frequency_threshold=feature.min_count,
                num_oov_buckets=feature.oov_buckets,
                vocab_filename=feature.name,
            )
            outputs[feature.name] = dense(ids, -1) + 1
        return outputs
