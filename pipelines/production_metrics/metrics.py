"""The metrics that are measured in production, of which those of two classes are also estimated before labels come.

Each has the form of pipelines.evaluation.weighted_metrics: labels [rows], predictions [rows], weights [sets, rows] ->
float64 [sets], NaN where the metric is undefined.
"""

import numpy as np

from pipelines.evaluation.weighted_metrics import (
    SMALLER_IS_BETTER,
    Metric,
    auc,
    binary_accuracy,
    binary_crossentropy,
    calibration,
    mean_squared_error,
    metrics_of,
)
from pipelines.task_definition.problem import BINARY

BRIER_SCORE = "brier_score"
CALIBRATION = calibration.__name__  # mean prediction / mean label: neither larger nor smaller is better

# Computed at the gateway's threshold. Metrics of these names in a task's EvalConfig may have another threshold.
OF_DECISIONS = frozenset({"precision", "recall"})

WORSE_WHEN_LARGER = SMALLER_IS_BETTER | {BRIER_SCORE}


def production_metrics_of(problem: str, threshold: float) -> dict[str, Metric]:
    """Return the metrics of a kind of problem, by name.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        threshold: of a binary problem; see metrics_at.
    """
    return metrics_at(threshold) if problem == BINARY else metrics_of(problem)


def metrics_at(threshold: float) -> dict[str, Metric]:
    """Return the metrics of two classes by name; TFMA's metrics have TFMA's names.

    Args:
        threshold: the probability from which the gateway decides for the positive class. Precision and recall are
            computed from these decisions; binary_accuracy is TFMA's, at 0.5.
    """

    def precision(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _share(labels > 0, predictions >= threshold, weights)

    def recall(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _share(predictions >= threshold, labels > 0, weights)

    plain = (auc, binary_accuracy, binary_crossentropy, calibration)
    return {metric.__name__: metric for metric in plain} | {
        # Brier (1950), "Verification of forecasts expressed in terms of probability": the mean squared error.
        BRIER_SCORE: mean_squared_error,
        "precision": precision,
        "recall": recall,
    }


def _share(counted: np.ndarray, among: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of the rows `among` that are `counted`; NaN without such rows."""
    below = weights @ among.astype(np.float64)
    return np.divide(
        weights @ (counted & among).astype(np.float64), below, out=np.full(len(below), np.nan), where=below > 0
    )
