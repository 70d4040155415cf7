"""Turn times into seasons."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import tensorflow as tf

from pipelines.tasks.taxi.columns import Columns
from pipelines.tasks.taxi.kinds.kind import Category, Transformed, VocabularySize


@dataclasses.dataclass(frozen=True, kw_only=True)
class DayOfYear(Category):
    """The season: periods of `days` days, counted from 1 March so that a leap day shifts none of them."""

    source: str  # raw column with a value in every row; seconds since 1970
    days: int  # length of a period
    ordered = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw column that the feature reads."""
        return (self.source,)

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        """Return the number of periods in a leap year."""
        return -(-366 // self.days)

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        """Return the period of each time."""
        return {feature.name: _days_since_march(columns.number(feature.source)) // feature.days for feature in features}


def _days_since_march(seconds: tf.Tensor) -> tf.Tensor:
    """Return the days since the last 1 March, 0 to 365, int64 [batch, 1], of seconds since 1970.

    All numbers are whole. The algorithm is civil_from_days of Howard Hinnant, "chrono-Compatible Low-Level Date
    Algorithms".
    """
    days = tf.cast(seconds, tf.int64) // 86_400 + 719_468  # since 1 March of year 0
    of_era = days % 146_097  # an era is 400 years
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    return of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
