"""Convert rows and values to JSON values for the report."""

import math

import numpy as np
import tensorflow as tf


def feature_values(feature: tf.train.Feature) -> tuple[object, ...]:
    """Return the values of one feature of a tf.Example; an empty tuple if the feature has no list."""
    kind = feature.WhichOneof("kind")
    return tuple(getattr(feature, kind).value) if kind else ()


def example_as_json(serialized: bytes) -> dict[str, object]:
    """Convert a raw tf.Example to JSON values; a missing value is None."""
    features = tf.train.Example.FromString(serialized).features.feature
    cells = {name: list(feature_values(features[name])) for name in sorted(features)}
    return {name: as_json(values) if values else None for name, values in cells.items()}


def as_json(value: object) -> object:
    """Return a value for JSON; an array of one value becomes that value, bytes become text, NaN and infinity too.

    Args:
        value: an array, list, bytes, number or string.

    Example:
        >>> as_json(np.array([[1.5]])), as_json([b"a", float("nan")])
        (1.5, ['a', 'nan'])
    """
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list):
        return as_json(value[0]) if len(value) == 1 else [as_json(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
