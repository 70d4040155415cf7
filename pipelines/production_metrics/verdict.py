"""Judge whether the gap between a metric in production and the promised value is more than chance."""

import enum
import math
from collections.abc import Sequence

from pipelines.evaluation.bootstrap import Interval

ALPHA = 0.05  # probability of one or more false verdicts among the gaps of one window and version


_NORMAL_95 = 1.959964  # half the width of a 95% interval, in standard errors


class GapVerdict(enum.Enum):
    """The verdict on the gap between a metric in production and the promised value."""

    AS_PROMISED = "as promised"  # chance alone explains the gap
    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"  # for a metric of which neither larger nor smaller is better
    NO_LABELS = "labels out"
    FEW_LABELS = "few labels"
    NO_PROMISE = "no promise"  # the eval split has no rows of the slice
    UNDEFINED = "undefined"  # the metric has no value, such as ROC AUC without a positive row, or has no standard error


def standard_error(interval: Interval) -> float:
    """Return the standard error that a 95% interval implies."""
    return (interval.high - interval.low) / (2 * _NORMAL_95)


def measure_gap(measured: Interval, rows: int, promised: Interval, promised_rows: int) -> Interval | None:
    """Return production minus promise with its 95% interval; None if it is undefined, or has no standard error.

    The two values come from independent random samples of rows. The error of each is the larger of two: its own, and
    the other's scaled to its number of rows. With few rows its own can be far too small: a recall of 1 has no spread
    in any resample.

    Args:
        measured: in production, with a 95% interval.
        rows: number of rows in production.
        promised: on the eval split, with a 95% interval.
        promised_rows: number of rows in the eval split.
    """
    own, other, ratio = standard_error(measured), standard_error(promised), math.sqrt(promised_rows / rows)
    error = math.hypot(max(own, other * ratio), max(other, own / ratio))
    value, spread = measured.value - promised.value, _NORMAL_95 * error
    if not (math.isfinite(value) and math.isfinite(spread)) or (value and not spread):
        return None
    return Interval(value=value, low=value - spread, high=value + spread)


def p_value(gap: float, error: float) -> float:
    """Return the two-sided p-value of a gap under a normal distribution; NaN if it is undefined.

    Args:
        gap: between the two values.
        error: standard error of the gap.

    Example:
        >>> round(p_value(gap=0.196, error=0.1), 3)
        0.05
    """
    if not (math.isfinite(gap) and math.isfinite(error) and error > 0):
        return math.nan
    return math.erfc(abs(gap) / error / math.sqrt(2))


def more_than_chance(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Return which gaps are more than chance, by Holm's step-down procedure; NaN is not.

    Holm (1979), "A simple sequentially rejective multiple test procedure": with probability 1 - alpha or more, no gap
    that is due to chance is found, however the gaps depend on each other.

    Args:
        p_values: of the gaps that are judged together.
        alpha: probability of one or more false findings.

    Example:
        >>> more_than_chance([0.01, 0.04, math.nan, 0.03])
        [True, False, False, False]
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    found = [False] * len(p_values)
    for rank, (p, place) in enumerate(order):
        if p > alpha / (len(order) - rank):
            break
        found[place] = True
    return found
