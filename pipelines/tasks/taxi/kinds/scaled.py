"""Turn numbers into z-scores."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.tasks.taxi.columns import Columns, Source, columns_of
from pipelines.tasks.taxi.kinds.kind import Number, Transformed, by_name, stack


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaled(Number):
    """A number as a z-score. Missing is 0, the mean of the present values."""

    source: Source
    square_root: bool = False  # of the root, because fares, distances and durations have a long tail

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns that the feature reads."""
        return columns_of(self.source)

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return (x - mean) / standard deviation, both over the present values; 0 for missing."""
        numbers = stack([columns.number(feature.source) for feature in features])
        signed_root = tf.sign(numbers) * tf.sqrt(tf.abs(numbers))
        shaped = tf.where([feature.square_root for feature in features], signed_root, numbers)
        scores = tf.cast(tft.scale_to_z_score(shaped, elementwise=True), tf.float32)
        present = stack([columns.present(feature.source) for feature in features])
        return by_name(features, tf.where(present, scores, tf.zeros_like(scores)))
