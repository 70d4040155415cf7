"""Predict transformed rows, and compute the loss of predictions."""

import keras
import numpy as np

from pipelines.evaluation.measures import measures_of
from pipelines.modeling.transformed_rows import TransformedRows


def loss(problem: str, rows: TransformedRows, predictions: np.ndarray) -> float:
    """Return the measure that decides a search; lower is better.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        rows: with their labels.
        predictions: of the same rows, as predict() returns them.
    """
    return float(measures_of(problem)[-1].compute(rows.labels[:, 0], predictions, np.ones((1, len(rows))))[0])


def predict(model: keras.Model, rows: TransformedRows) -> np.ndarray:
    """Return the model's predictions: [rows], or [rows, classes] for several classes; float32."""
    predictions: np.ndarray = np.asarray(model.predict(rows.features, batch_size=4096, verbose=0))
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions
