"""Build the first and last layers of a small Keras network for any problem."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from pipelines.task_definition.problem import BINARY, MULTICLASS

_WIDEST = 8  # dimensions of an embedding, at most


def embed_features(features: Mapping[str, np.ndarray], ids: Mapping[str, int]) -> tuple[dict[str, Any], Any]:
    """Make an input for each transformed feature and concatenate them; integer features go through an embedding.

    Args:
        features: arrays [rows, n]; integers are ids.
        ids: number of different ids of each integer feature.

    Returns:
        The inputs by name, and the concatenated features, float32 [batch, width].
    """
    inputs = {
        name: keras.Input((values.shape[1],), name=name, dtype=values.dtype.name) for name, values in features.items()
    }
    parts = []
    for name, values in features.items():
        if np.issubdtype(values.dtype, np.integer):
            embedding = keras.layers.Embedding(ids[name], min(_WIDEST, ids[name]))
            parts.append(keras.layers.Flatten()(embedding(inputs[name])))
        else:
            parts.append(inputs[name])
    return inputs, keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]


def make_head(problem: str, labels: np.ndarray, classes: int) -> tuple[Callable[[Any], Any], str]:
    """Make the last layer and name its loss.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        labels: of the training rows, [rows]; for a regression, their mean and standard deviation scale the output.
        classes: number of classes; unused for a regression.

    Returns:
        A function from the last hidden tensor to the output, and the name of the Keras loss.
    """
    if problem == BINARY:
        return keras.layers.Dense(1, "sigmoid"), "binary_crossentropy"
    if problem == MULTICLASS:
        return keras.layers.Dense(classes, "softmax"), "sparse_categorical_crossentropy"
    scale = keras.layers.Rescaling(float(np.std(labels)) or 1.0, offset=float(np.mean(labels)))
    dense = keras.layers.Dense(1)
    return lambda hidden: scale(dense(hidden)), "mean_squared_error"
