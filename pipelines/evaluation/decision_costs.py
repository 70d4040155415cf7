"""What decisions cost at each threshold, and which threshold costs least."""

import dataclasses

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, RESAMPLES, Interval, draw_resamples, percentile_interval

_SEED = 20240503  # the same rows give the same interval
_THRESHOLDS = 199  # that are tried, beside those that decide for every row and for none


@dataclasses.dataclass(frozen=True, kw_only=True)
class CostSweep:
    """The cost of a decision at each threshold."""

    thresholds: np.ndarray  # [thresholds], rising
    costs: np.ndarray  # [thresholds], mean over the rows, in the unit of the costs
    best: Interval  # the threshold that costs least, and where it lies on other rows
    saving: Interval  # cost at the threshold in use less that at the best one; mean over the rows
    cost_now: float  # at the threshold in use
    cost_best: float


def sweep_costs(
    labels: np.ndarray,
    probabilities: np.ndarray,
    *,
    false_alarm: float,
    miss: float,
    threshold: float,
    resamples: int = RESAMPLES,
) -> CostSweep:
    """Measure the cost of deciding for class 1 from each threshold on.

    Args:
        labels: 0 or 1, [rows].
        probabilities: of class 1, [rows].
        false_alarm: cost of deciding for class 1 where it is 0.
        miss: cost of deciding for class 0 where it is 1.
        threshold: that is in use.
        resamples: of the bootstrap. Each has its own best threshold.
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
    """Choose quantiles of the predictions, with two decimals or three, 0 and 1 among them."""
    inner = np.quantile(probabilities.astype(np.float64), np.linspace(0, 1, _THRESHOLDS))
    return np.unique(np.r_[0.0, inner.round(3), np.linspace(0, 1, 101).round(2), 1.0])
