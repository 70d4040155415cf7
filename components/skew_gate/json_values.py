"""Converts rows and values to what JSON can hold, for the report."""

import math

import numpy as np
import tensorflow as tf


def feature_values(feature: tf.train.Feature) -> tuple[object, ...]:
    """Returns the values of one feature of a tf.Example; none when it is absent."""
    kind = feature.WhichOneof("kind")
    return tuple(getattr(feature, kind).value) if kind else ()


def example_as_json(serialized: bytes) -> dict[str, object]:
    """Converts a raw tf.Example to JSON values; an absent value is None."""
    features = tf.train.Example.FromString(serialized).features.feature
    cells = {name: list(feature_values(features[name])) for name in sorted(features)}
    return {name: as_json(values) if values else None for name, values in cells.items()}


def as_json(value: object) -> object:
    """Converts a value to JSON; an array of one value becomes that value, bytes become text."""
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list):
        return as_json(value[0]) if len(value) == 1 else [as_json(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
