"""The one definition of every taxi feature: Transform runs it over all rows, and its graph travels inside the model.

The rows that Beam transforms in large batches and the requests that a server answers one by one have to give the same
features, but for rounding, and SkewGate checks that they do. Hence:

- Arithmetic on numbers is float64, and float32 only at the very end: rounding then moves no value over a bucket's edge.
- Absent and NaN are two things. Absent has an id of its own, or the mean. NaN is nobody's default: it makes that row's
  z-score NaN and so its prediction NaN, which no one takes for an answer.

Columns of a kind are stacked: an analyzer costs a pass over the data, and an operation costs time at every start.
"""

import tensorflow as tf

from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Columns, Raw
from pipelines.tasks.taxi.kinds.kind import Transformed, compute_features


def preprocessing_fn(inputs: dict[str, Raw]) -> Transformed:
    """Compute every record of features.py, and the label.

    Args:
        inputs: raw columns; numbers, or strings for what has a vocabulary. A column that can be missing is sparse.

    Returns:
        By name, a tensor per feature, its type and shape as its record says, and the label, int64 [batch, 1].

    Raises:
        FeatureError: A computation does not give what the record says.
    """
    columns = Columns(inputs)
    label = _big_tip(columns.number(ft.TIPS), columns.number(ft.FARE))
    return {**compute_features(ft.FEATURES, columns), ft.LABEL: label}


def _big_tip(tips: tf.Tensor, fare: tf.Tensor) -> tf.Tensor:
    """Compare whole cents: one tip in a hundred is exactly a fifth of the fare; float32 rounds these unpredictably."""
    return tf.cast(ft.FARE_PER_BIG_TIP * tf.round(tips * 100) > tf.round(fare * 100), tf.int64)
