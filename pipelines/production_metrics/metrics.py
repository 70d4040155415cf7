"""The metrics that are measured in production; those of two classes are estimated before labels come, too.

Beside those of pipelines.evaluation.weighted_metrics, and in their form: labels [rows], predictions [rows],
weights [sets, rows] -> float64 [sets], NaN where a metric is undefined.
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
CALIBRATION = calibration.__name__  # mean prediction over mean label: neither more nor less is better

# Of the gateway's decisions, at its threshold; a task's EvalConfig may have metrics of these names, at another.
OF_DECISIONS = frozenset({"precision", "recall"})

WORSE_WHEN_LARGER = SMALLER_IS_BETTER | {BRIER_SCORE}


def production_metrics_of(problem: str, threshold: float) -> dict[str, Metric]:
    """Returns the metrics of a kind of problem by name.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        threshold: of a binary problem; see metrics_at.
    """
    return metrics_at(threshold) if problem == BINARY else metrics_of(problem)


def metrics_at(threshold: float) -> dict[str, Metric]:
    """Returns the metrics by name; those of TFMA are called as TFMA calls them.

    Args:
        threshold: the probability from which on the gateway decides for the positive class; precision and recall are
            of these decisions, binary_accuracy is TFMA's, at 0.5.
    """

    def precision(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _share(labels > 0, predictions >= threshold, weights)

    def recall(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return _share(predictions >= threshold, labels > 0, weights)

    plain = (auc, binary_accuracy, binary_crossentropy, calibration)
    return {metric.__name__: metric for metric in plain} | {
        # Brier (1950), "Verification of forecasts expressed in terms of probability": the mean squared error of them.
        BRIER_SCORE: mean_squared_error,
        "precision": precision,
        "recall": recall,
    }


def _share(counted: np.ndarray, among: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of the rows `among` that are `counted`."""
    below = weights @ among.astype(np.float64)
    return np.divide(
        weights @ (counted & among).astype(np.float64), below, out=np.full(len(below), np.nan), where=below > 0
    )
