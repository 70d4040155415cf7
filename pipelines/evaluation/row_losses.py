"""Compute the loss of each row, for means over slices and for permutation importance.

| problem | loss, by TFMA's name of its mean | unit |
|---|---|---|
| binary | binary_crossentropy | nats |
| multiclass | sparse_categorical_crossentropy | nats |
| regression | mean_absolute_error | the label's |
"""

import numpy as np

from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

_SMALLEST = 1e-7  # probabilities are clipped to this before the logarithm, as in Keras
_NAMES = {
    BINARY: "binary_crossentropy",
    MULTICLASS: "sparse_categorical_crossentropy",
    REGRESSION: "mean_absolute_error",
}


def name_row_loss(problem: str) -> str:
    """Return TFMA's name of the mean of `row_losses`."""
    return _NAMES[problem]


def row_losses(problem: str, labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the loss of each row, float64 [..., rows].

    Args:
        problem: One of pipelines.task_definition.problem.PROBLEMS.
        labels: Class numbers, or the labels of a regression, [rows].
        predictions: [..., rows, outputs]; leading dimensions are repeated predictions of the same rows.

    Example:
        >>> row_losses(REGRESSION, np.array([1.0, 2.0]), np.array([[1.5], [1.0]])).tolist()
        [0.5, 1.0]
    """
    if problem == REGRESSION:
        return np.abs(predictions[..., 0].astype(np.float64) - labels)
    if problem == BINARY:
        return log_loss(np.where(labels > 0, predictions[..., 0], 1 - predictions[..., 0]))
    return log_loss(predictions[..., np.arange(len(labels)), labels.astype(np.int64)])


def log_loss(probabilities: np.ndarray) -> np.ndarray:
    """Return the negative logarithm of the actual class's probability, in nats; 16.1 for a probability of 0."""
    return -np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST))
