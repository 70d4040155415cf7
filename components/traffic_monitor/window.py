"""Which comparisons a window is judged by: one family, whatever the number of model versions that answered."""

from collections.abc import Collection

from components.traffic_monitor.comparison import (
    COPIES,
    DISTRIBUTION,
    MISSING,
    ORDER,
    SPIKE,
    UNSEEN,
    Comparison,
    compare,
)
from components.traffic_monitor.samples import Sample, join

PREDICTION = "prediction"  # the column of a sample of predictions
_OF_TRAINING = (MISSING, DISTRIBUTION, ORDER, UNSEEN, SPIKE, COPIES)
_WHATEVER_THE_MIX = (UNSEEN, COPIES)
_OF_BEFORE = (MISSING, DISTRIBUTION, ORDER)
_OF_MIX = (DISTRIBUTION, ORDER)


def compare_with_training(
    window: Sample, before: Sample | None, training: Sample, skipped: Collection[str], *, fair: bool = True
) -> list[Comparison]:
    """Skew: the window, and the window with the one before it, against the rows that a model was trained on.

    A change that one window only hints at is more than chance in two.

    Args:
        window: rows that a version answered.
        before: rows of the window before that it answered; None where there are none.
        training: rows that the version was trained on.
        skipped: columns whose values must differ.
        fair: whether the window holds hours and weekdays as the training rows do. If not, only what no mix of hours
            explains is compared.
    """
    if not fair:
        return compare(window, training, _WHATEVER_THE_MIX, skipped)
    found = compare(window, training, _OF_TRAINING, skipped)
    if before is not None and before.rows:
        found += compare(join(window, before, "both windows"), training, _OF_MIX, skipped)
    return found


def compare_with_before(window: Sample, before: Sample, skipped: Collection[str]) -> list[Comparison]:
    """Drift: the window against the one before it."""
    return compare(window, before, _OF_BEFORE, skipped)


def compare_predictions(window: Sample, before: Sample | None, expected: Sample | None) -> list[Comparison]:
    """Predictions against those of the same model for rows that it was evaluated on, and against the window before.

    Args:
        window: the column PREDICTION.
        before: likewise; None where there are none.
        expected: likewise; None where the model is not known.
    """
    found = []
    if expected is not None:
        found += compare(window, expected, _OF_MIX)
        if before is not None and before.rows:
            found += compare(join(window, before, "both windows"), expected, _OF_MIX)
    if before is not None and before.rows:
        found += compare(window, before, _OF_MIX)
    return found
