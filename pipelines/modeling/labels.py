"""Labels that a model can learn from, for every kind of problem; others are refused before any training."""

import numpy as np

from pipelines.modeling.fitting import Rows, TrainingError


def require_classes(rows: Rows, label: str, classes: int) -> None:
    """Refuses rows that a classifier cannot learn from.

    Args:
        rows: to train on.
        label: its name.
        classes: how many there are.

    Raises:
        TrainingError: A label is not 0 to classes - 1, or every label is the same.
    """
    found = np.unique(rows.labels)
    if outside := [int(value) for value in found if not 0 <= value < classes]:
        count = int(np.isin(rows.labels, outside).sum())
        raise TrainingError(
            f"label {label}: expected 0 to {classes - 1}, received {outside[0]} in {count} of {len(rows)} rows: "
            "a value of no known class; add it to CLASSES and to the contract, or remove those rows."
        )
    _require_two(found, rows, label)


def require_different_labels(rows: Rows, label: str) -> None:
    """Refuses rows that a regression cannot learn from.

    Raises:
        TrainingError: Every label is the same.
    """
    _require_two(np.unique(rows.labels), rows, label)


def _require_two(found: np.ndarray, rows: Rows, label: str) -> None:
    if len(found) < 2:
        raise TrainingError(
            f"label {label} is {found[0]} in every one of {len(rows)} training rows: expected different values; "
            "check the column that the label is made from, or bring more rows."
        )
