"""Whether a gap is more than chance, among all gaps that are looked at together."""

import enum
import math
from collections.abc import Sequence

from pipelines.evaluation.bootstrap import Interval

ALPHA = 0.05  # the chance that any of the gaps of one window and version is called one, where there is none


_NORMAL_95 = 1.959964  # half the width of a 95% interval, in standard errors


class GapVerdict(enum.Enum):
    """What a gap between production and promise means."""

    AS_PROMISED = "as promised"  # chance alone explains the gap
    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"  # of a metric that neither more nor less of is better
    NO_LABELS = "labels out"
    FEW_LABELS = "few labels"
    NO_PROMISE = "no promise"  # the eval split has no rows of the slice
    UNDEFINED = (
        "undefined"  # the metric has no value on these rows, such as ROC AUC without a positive one, or no error
    )


def standard_error(interval: Interval) -> float:
    """The standard error that a 95% interval tells."""
    return (interval.high - interval.low) / (2 * _NORMAL_95)


def measure_gap(measured: Interval, rows: int, promised: Interval, promised_rows: int) -> Interval | None:
    """Production minus promise, with its 95% interval; None where one is undefined, or neither has a spread.

    Both were measured on rows that chance chose, independently of each other. The error of each is the larger of two:
    what its own rows tell, and what as many rows would have if the other's error held. Among few rows the first can be
    far too small: a recall of 1 has no spread in any resample.

    Args:
        measured: in production, a 95% interval.
        rows: that it was measured on.
        promised: on the eval split, a 95% interval.
        promised_rows: that it was measured on.
    """
    own, other, ratio = standard_error(measured), standard_error(promised), math.sqrt(promised_rows / rows)
    error = math.hypot(max(own, other * ratio), max(other, own / ratio))
    value, spread = measured.value - promised.value, _NORMAL_95 * error
    if not (math.isfinite(value) and math.isfinite(spread)) or (value and not spread):
        return None
    return Interval(value=value, low=value - spread, high=value + spread)


def p_value(gap: float, error: float) -> float:
    """The chance of a gap at least as large without a cause: two-sided, of a normal distribution; NaN if undefined.

    Args:
        gap: between the two values.
        error: standard error of the gap.
    """
    if not (math.isfinite(gap) and math.isfinite(error) and error > 0):
        return math.nan
    return math.erfc(abs(gap) / error / math.sqrt(2))


def more_than_chance(p_values: Sequence[float], alpha: float = ALPHA) -> list[bool]:
    """Tells which gaps are more than chance, by Holm's step-down procedure; NaN never is.

    Holm (1979), "A simple sequentially rejective multiple test procedure": with a probability of 1 - alpha none of the
    gaps that have no cause is called one, however they depend on each other.
    """
    order = sorted((p, place) for place, p in enumerate(p_values) if not math.isnan(p))
    found = [False] * len(p_values)
    for rank, (p, place) in enumerate(order):
        if p > alpha / (len(order) - rank):
            break
        found[place] = True
    return found
