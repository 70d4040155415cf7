"""Cross pairs of categories."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf

from pipelines.tasks.taxi.columns import Columns
from pipelines.tasks.taxi.kinds.kind import Category, Transformed, VocabularySize


class CrossError(ValueError):
    """Two features cannot be crossed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Crossed(Category):
    """Two categories as one, with an id for each pair.

    Raises:
        CrossError: One of them has a vocabulary, whose size is not known when the graph is made.
    """

    left: Category
    right: Category

    def __post_init__(self) -> None:
        for part in (self.left, self.right):
            if part.has_vocabulary:
                raise CrossError(
                    f"feature {self.name}: expected categories whose ids can be counted before there are rows, "
                    f"received {part.name}, a {type(part).__name__}; cross kinds without a vocabulary"
                )

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that the feature reads."""
        return tuple(dict.fromkeys(self.left.columns + self.right.columns))

    @property
    def parts(self) -> tuple[Category, ...]:
        """The two categories."""
        return (self.left, self.right)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of pairs."""
        return self.left.count_ids(vocabulary_size) * self.right.count_ids(vocabulary_size)

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return each pair's number."""
        return {
            feature.name: made[feature.left.name] * feature.right.count_ids(_no_vocabulary) + made[feature.right.name]
            for feature in features
        }


def _no_vocabulary(name: str) -> int:
    raise CrossError(f"{name} has a vocabulary")
