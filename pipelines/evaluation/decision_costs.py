"""Compute the cost of decisions at each threshold, and find the cheapest threshold."""

import dataclasses

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, RESAMPLES, Interval, draw_resamples, percentile_interval

_SEED = 20240503  # the same rows give the same interval
_THRESHOLDS = 199  # quantiles of the predictions among the thresholds to try


@dataclasses.dataclass(frozen=True, kw_only=True)
class CostSweep:
    """The mean cost per decision at each threshold, in the unit of the given costs."""

    thresholds: np.ndarray  # [thresholds], ascending
    costs: np.ndarray  # [thresholds]
    best: Interval  # the cheapest threshold
    saving: Interval  # cost at the threshold in use minus that at the cheapest
    cost_now: float  # at the threshold in use
    cost_best: float  # at the cheapest threshold


def sweep_costs(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    false_alarm: float,
    miss: float,
    threshold: float,
    resamples: int = RESAMPLES,
) -> CostSweep:
    """Return the cost of deciding for class 1 from each threshold on.

    Args:
        labels: 0 or 1, [rows].
        probabilities: Probabilities of class 1, [rows].
        false_alarm: Cost of deciding for class 1 if the label is 0.
        miss: Cost of deciding for class 0 if the label is 1.
        threshold: The threshold in use.
        resamples: Number of bootstrap resamples; each has its own cheapest threshold.
    """
    thresholds = _choose_thresholds(probabilities)
    positive = labels > 0
    every = np.r_[thresholds, threshold]
    decided = probabilities[None, :] >= every[:, None]  # [thresholds + 1, rows]
    costs = np.where(decided, np.where(positive, 0.0, false_alarm), np.where(positive, miss, 0.0))
    drawn = np.concatenate([counts @ costs.T for counts in draw_resamples(len(labels), resamples, _SEED)]) / len(labels)
    mean = costs.mean(axis=1)
    best = int(mean[:-1].argmin())
    found = drawn[:, :-1].argmin(axis=1)
    return CostSweep(
        thresholds=thresholds,
        costs=mean[:-1],
        best=percentile_interval(float(thresholds[best]), thresholds[found], LEVEL),
        saving=percentile_interval(float(mean[-1] - mean[best]), drawn[:, -1] - drawn[:, best], LEVEL),
        cost_now=float(mean[-1]),
        cost_best=float(mean[best]),
    )


def _choose_thresholds(probabilities: np.ndarray) -> np.ndarray:
    """Return 0, 0.01, …, 1 and the quantiles of the predictions, rounded to three decimals, ascending."""
    inner = np.quantile(probabilities.astype(np.float64), np.linspace(0, 1, _THRESHOLDS))
    return np.unique(np.r_[0.0, inner.round(3), np.linspace(0, 1, 101).round(2), 1.0])
