"""Turn strings into ids."""

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
    """A string as an id: 0 for missing, from 1 on the vocabulary of the training rows, then the ids for unseen strings.

    No string gets the id of missing, however it is spelled. The vocabulary's file has the feature's name.
    """

    source: str  # raw column
    min_count: int  # rows; rarer strings are unseen, so that the model can learn that id
    oov_buckets: int = 1  # ids for unseen strings
    has_vocabulary = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that the feature reads."""
        return (self.source,)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of strings in the vocabulary, plus the ids for missing and unseen."""
        return 1 + vocabulary_size(self.name) + self.oov_buckets

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return each string's id."""
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
