"""What a binary classifier decides at the threshold that its gateway uses."""

from typing import Any

import numpy as np


def at_threshold(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> dict[str, Any]:
    """Counts and rates of the decisions.

    Args:
        labels: 0 or 1, [rows].
        predictions: probabilities, [rows].
        threshold: from which on the decision is 1.
    """
    yes, positive = predictions >= threshold, labels > 0
    hits = int((yes & positive).sum())
    precision = hits / yes.sum() if yes.any() else np.nan
    recall = hits / positive.sum() if positive.any() else np.nan
    return {
        "threshold": threshold,
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(2 * precision * recall / (precision + recall)) if hits else np.nan,
        "accuracy": float((yes == positive).mean()),
        "decided": float(yes.mean()),
        "positive": float(positive.mean()),
    }
