"""Measure the gaps of a model's metrics between each group of rows and all other rows, with corrected intervals."""

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, Interval
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

# Measures of each group by kind of problem, as scoping.toml names them.
MEASURES: dict[str, tuple[str, ...]] = {
    BINARY: ("selection rate", "true positive rate", "false positive rate", "mean prediction less mean label"),
    MULTICLASS: ("accuracy",),
    REGRESSION: ("mean error", "mean absolute error"),
}
_Rate = tuple[np.ndarray, np.ndarray]  # value of each row, whether the row counts
_Rates = dict[str, _Rate]  # by measure


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupGap:
    """The gap of one group in one measure."""

    group: str
    rows: int
    measure: str  # one of MEASURES
    value: float  # in the group
    gap: Interval  # the group's value minus that of all other rows

    @property
    def is_clear(self) -> bool:
        """Whether the interval, corrected for all groups and measures, excludes 0."""
        return bool(np.isfinite(self.gap.low)) and not self.gap.low <= 0 <= self.gap.high


def measure_gaps(
    problem: str,
    labels: np.ndarray,
    predictions: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    threshold: float,
    min_rows: int,
) -> list[GroupGap]:
    """Return the gaps between each group and all other rows.

    The intervals widen with the number of groups and measures (Bonferroni), so that in at most one report of twenty any
    gap is clear by chance alone. They are computed by formulas, not by a bootstrap: a bootstrap has too few resamples
    in the tails, and its interval of a small group without errors has width 0.

    Args:
        problem: One of pipelines.task_definition.problem.PROBLEMS.
        labels: [rows].
        predictions: [rows], or [rows, classes].
        groups: Name -> whether each row belongs to the group, bool [rows].
        threshold: Probability from which the decision is the second of two classes.
        min_rows: Rows that a measure needs, in the group and outside it; with fewer the gap is left out.
    """
    rates = _rate_rows(problem, labels, predictions, threshold)
    found = []
    for name, inside in groups.items():
        for measure, (values, counted) in rates.items():
            ours, others = inside & counted, ~inside & counted
            if min(ours.sum(), others.sum()) >= min_rows:
                found.append((name, int(inside.sum()), measure, values[ours], values[others]))
    level = 1 - (1 - LEVEL) / max(len(found), 1)
    return [
        GroupGap(
            group=name, rows=rows, measure=measure, value=float(ours.mean()), gap=estimate_gap(ours, others, level)
        )
        for name, rows, measure, ours, others in found
    ]


def estimate_gap(ours: np.ndarray, others: np.ndarray, level: float) -> Interval:
    """Return the difference of the means of two independent sets of values, with its interval.

    For shares: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
    For other values: Welch 1947, "The generalization of 'Student's' problem when several different population variances
    are involved".

    Args:
        ours: Two or more values, [rows]; all 0 or 1 for shares.
        others: Two or more values of other rows, [other rows].
        level: Confidence level of the interval, between 0 and 1.
    """
    from scipy.stats import norm, t  # Imported here: it is slow, and few tasks name groups.

    value = float(ours.mean() - others.mean())
    if np.isin(ours, (0, 1)).all() and np.isin(others, (0, 1)).all():
        z = float(norm.ppf((1 + level) / 2))
        (rate, low, high), (other, other_low, other_high) = _wilson(ours, z), _wilson(others, z)
        return Interval(
            value=value,
            low=value - math.hypot(rate - low, other_high - other),
            high=value + math.hypot(high - rate, other - other_low),
        )
    parts = np.array([ours.var(ddof=1) / len(ours), others.var(ddof=1) / len(others)])
    if not parts.sum():
        return Interval(value=value, low=value, high=value)
    freedom = parts.sum() ** 2 / (parts[0] ** 2 / (len(ours) - 1) + parts[1] ** 2 / (len(others) - 1))
    reach = float(t.ppf((1 + level) / 2, freedom) * math.sqrt(parts.sum()))
    return Interval(value=value, low=value - reach, high=value + reach)


def _wilson(values: np.ndarray, z: float) -> tuple[float, float, float]:
    """Return a share and the ends of its score interval (Wilson 1927), whose width is never 0."""
    rows, share = len(values), float(values.mean())
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z / (1 + z**2 / rows) * math.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return share, max(0.0, middle - reach), min(1.0, middle + reach)


def _rate_rows(problem: str, labels: np.ndarray, predictions: np.ndarray, threshold: float) -> _Rates:
    found = _RATES[problem](labels, predictions, threshold)
    return dict(zip(MEASURES[problem], found, strict=True))


def _binary(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> tuple[_Rate, ...]:
    decided, positive, every = (predictions >= threshold).astype(float), labels > 0, np.ones(len(labels), bool)
    error = predictions.astype(np.float64) - positive
    return (decided, every), (decided, positive), (decided, ~positive), (error, every)


def _regression(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> tuple[_Rate, ...]:
    errors, every = predictions.astype(np.float64) - labels, np.ones(len(labels), bool)
    return (errors, every), (np.abs(errors), every)


def _accuracy(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> tuple[_Rate, ...]:
    right = (predictions.argmax(axis=1) == labels).astype(float)
    return ((right, np.ones(len(labels), bool)),)


_RATES: dict[str, Callable[[np.ndarray, np.ndarray, float], tuple[_Rate, ...]]] = {
    BINARY: _binary,
    MULTICLASS: _accuracy,
    REGRESSION: _regression,
}
