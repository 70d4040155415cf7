"""What a classifier decides: of two classes at the threshold that its gateway uses, of several the most likely."""

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
    return _one_against_all(yes, positive) | {
        "threshold": threshold,
        "accuracy": float((yes == positive).mean()),
        "decided": float(yes.mean()),
        "positive": float(positive.mean()),
    }


def by_class(labels: np.ndarray, decided: np.ndarray, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """Class by class: its rows, how many of the decisions for it are right, and how many of its rows are found.

    Args:
        labels: class numbers, [rows].
        decided: class numbers, [rows].
        classes: names of the classes 0, 1, …
    """
    return [
        {"class": name, "rows": int((labels == number).sum())} | _one_against_all(decided == number, labels == number)
        for number, name in enumerate(classes)
    ]


def _one_against_all(yes: np.ndarray, positive: np.ndarray) -> dict[str, float]:
    hits = int((yes & positive).sum())
    precision = hits / yes.sum() if yes.any() else np.nan
    recall = hits / positive.sum() if positive.any() else np.nan
    f1 = 2 * precision * recall / (precision + recall) if hits else np.nan
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1)}
