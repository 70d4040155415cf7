"""The loss of each row: what a mean over rows, a slice's difference or a permuted column's cost is made of.

| problem | loss, as TFMA calls its mean | unit |
|---|---|---|
| binary | binary_crossentropy | nats |
| multiclass | sparse_categorical_crossentropy | nats |
| regression | mean_absolute_error | the label's |
"""

import numpy as np

from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

_SMALLEST = 1e-7  # probability that a logarithm is taken of, as in Keras
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
        problem: one of pipelines.task_definition.problem.
        labels: [rows]; class numbers, or the number that was to be predicted.
        predictions: [..., rows, outputs]; leading dimensions are repeated predictions of the same rows.
    """
    if problem == REGRESSION:
        return np.abs(predictions[..., 0].astype(np.float64) - labels)
    if problem == BINARY:
        return log_loss(np.where(labels > 0, predictions[..., 0], 1 - predictions[..., 0]))
    return log_loss(predictions[..., np.arange(len(labels)), labels.astype(np.int64)])


def log_loss(probabilities: np.ndarray) -> np.ndarray:
    """Return the negative logarithm of the right class's probability, in nats; it is finite also for 0."""
    return -np.log(np.clip(probabilities.astype(np.float64), _SMALLEST, 1 - _SMALLEST))
