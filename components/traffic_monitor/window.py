"""Make the comparisons that a window is judged by.

They are one family for Holm's method, for any number of model versions that answered.
"""

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
    """Compare a window, and two windows together, with the rows that a model was trained on: skew.

    Two windows together show changes that are too small to be significant in one.

    Args:
        window: rows that a version answered.
        before: rows of the window before that it answered; None if there are none.
        training: rows that the version was trained on.
        skipped: columns whose values differ in any case.
        fair: whether the window has hours and weekdays in the same shares as the training rows. If not, only the tests
            are made that another mix of hours does not affect.

    Returns:
        The comparisons.
    """
    if not fair:
        return compare(window, training, _WHATEVER_THE_MIX, skipped)
    found = compare(window, training, _OF_TRAINING, skipped)
    if before is not None and before.rows:
        found += compare(join(window, before, "both windows"), training, _OF_MIX, skipped)
    return found


def compare_with_before(window: Sample, before: Sample, skipped: Collection[str]) -> list[Comparison]:
    """Compare a window with the one before it: drift."""
    return compare(window, before, _OF_BEFORE, skipped)


def compare_predictions(window: Sample, before: Sample | None, expected: Sample | None) -> list[Comparison]:
    """Compare predictions with the same model's predictions on its eval rows, and with those of the window before.

    Args:
        window: a sample with the column PREDICTION.
        before: likewise, of the window before; None if there are none.
        expected: likewise, of the eval rows; None if the model is not known.

    Returns:
        The comparisons.
    """
    found = []
    if expected is not None:
        found += compare(window, expected, _OF_MIX)
        if before is not None and before.rows:
            found += compare(join(window, before, "both windows"), expected, _OF_MIX)
    if before is not None and before.rows:
        found += compare(window, before, _OF_MIX)
    return found
