"""Compute every taxi feature: Transform runs this over all rows, and the model contains the same graph.

Rows that Beam transforms in large batches and requests that a server answers one by one must give the same features,
except for rounding, and SkewGate checks it. Therefore:

- Arithmetic is in float64, and float32 only at the very end, so that rounding moves no value over a bucket's edge.
- Missing and NaN differ. Missing has its own id, or the mean. NaN has no default: it makes the row's z-score NaN, and
  so its prediction, which cannot be mistaken for an answer.

Columns of a kind are stacked, because an analyzer costs a pass over the data and an operation costs time at each start.
"""

import tensorflow as tf

from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Columns, Raw
from pipelines.tasks.taxi.kinds.kind import Transformed, compute_features


def preprocessing_fn(inputs: dict[str, Raw]) -> Transformed:
    """Compute the features of features.py, and the label.

    Args:
        inputs: raw columns: numbers, or strings for features with a vocabulary. A column with missing values is sparse.

    Returns:
        Tensor of each feature by its name, with the type and shape of its record, and the label, int64 [batch, 1].

    Raises:
        FeatureError: A computation does not return what the record describes.
    """
    columns = Columns(inputs)
    label = _big_tip(columns.number(ft.TIPS), columns.number(ft.FARE))
    return {**compute_features(ft.FEATURES, columns), ft.LABEL: label}


def _big_tip(tips: tf.Tensor, fare: tf.Tensor) -> tf.Tensor:
    """Compare whole cents: one tip in a hundred is exactly a fifth of the fare; float32 rounds these unpredictably."""
    return tf.cast(ft.FARE_PER_BIG_TIP * tf.round(tips * 100) > tf.round(fare * 100), tf.int64)
