"""The measures that models are compared by, for each kind of problem; weighted_metrics computes them."""

import dataclasses

import keras
import numpy as np

from pipelines.evaluation.weighted_metrics import Metric, metrics_of
from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """A metric, and which way is better."""

    name: str  # as TFMA calls it
    label: str  # for people
    larger_is_better: bool
    compute: Metric


def measures_of(problem: str) -> tuple[Measure, ...]:
    """Returns what a kind of problem is measured by; the last decides.

    That is what training minimises, a strictly proper score of the prediction itself: noise in it is smaller than in a
    rank or a share, and whoever is best at it is calibrated, too (Gneiting and Raftery 2007, "Strictly Proper Scoring
    Rules, Prediction, and Estimation").
    """
    metrics = metrics_of(problem)
    return tuple(
        Measure(name=name, label=label, larger_is_better=larger, compute=metrics[name])
        for name, label, larger in _COMPARED[problem]
    )


def loss(problem: str, rows: TransformedRows, predictions: np.ndarray) -> float:
    """Computes the deciding measure on some rows; lower is better.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        rows: with their labels.
        predictions: as predict() gives them, for the same rows.
    """
    return float(measures_of(problem)[-1].compute(rows.labels[:, 0], predictions, np.ones((1, len(rows))))[0])


def predict(model: keras.Model, rows: TransformedRows) -> np.ndarray:
    """Returns the model's predictions: [rows], or [rows, classes] for several classes; float32."""
    predictions: np.ndarray = np.asarray(model.predict(rows.features, batch_size=4096, verbose=0))
    return predictions[:, 0] if predictions.shape[1] == 1 else predictions


_COMPARED = {
    BINARY: (("auc", "ROC AUC", True), ("binary_crossentropy", "log loss", False)),
    MULTICLASS: (
        ("sparse_categorical_accuracy", "accuracy", True),
        ("sparse_categorical_crossentropy", "log loss", False),
    ),
    REGRESSION: (
        ("mean_absolute_error", "mean absolute error", False),
        ("mean_squared_error", "mean squared error", False),
    ),
}
