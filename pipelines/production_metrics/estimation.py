"""Estimate metrics before labels come: confidence-based performance estimation (CBPE) for two classes.

A row with calibrated probability p counts as p of a positive row and 1 - p of a negative one. This gives the expected
confusion matrix, and with it the expected accuracy, precision, recall and ROC curve, as in NannyML's CBPE (NannyML's
documentation, "How it works: performance estimation"; Kivimäki, Białek, Kuberski and others 2025, "Performance
Estimation in Binary Classification Using Calibrated Confidence", arXiv 2505.05295, who compute the distribution of the
confusion matrix, which is sampled here). Log loss and Brier score are means over rows, so their expectation is exact.

The interval is for the *value that labels will give*: labels are drawn from probabilities, and probabilities from the
refits of the recalibration. It is valid if a prediction means the same share of positive rows as in the eval split. So
the estimate follows a change of the columns. It does not follow a change of the label given the columns, which shows
as a gap between estimate and measurement once labels come.

If there are many rows, labels are drawn for cells of similar predictions (pipelines/evaluation/row_cells.py), as in the
bootstrap; the expectation uses all rows.

A regression has no probabilities. NannyML's DLE trains a second model for it; this module does not.
"""

from collections.abc import Mapping

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, Interval
from pipelines.evaluation.row_cells import make_cells
from pipelines.evaluation.weighted_metrics import Metric
from pipelines.production_metrics.recalibration import Recalibration

DRAWS = 200  # of the labels; 5 of them lie beyond each end of a 95% interval
_SEED = 20240701  # fixed, so that the same rows give the same interval
_AT_ONCE = 4_000_000  # weights in memory at a time, 32 MB


def estimate_metrics(
    predictions: np.ndarray,
    recalibration: Recalibration,
    metrics: Mapping[str, Metric],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = _SEED,
) -> dict[str, Interval]:
    """Estimate each metric of rows without labels.

    Args:
        predictions: [rows], the model's probabilities.
        recalibration: fitted to rows with labels.
        metrics: name -> metric, from pipelines.production_metrics.metrics.
        draws: of the labels.
        level: share of windows whose measured value is in the interval, between 0 and 1.
        seed: of the draws.

    Returns:
        The estimate of each metric, with its interval; NaN at both ends if the metric is undefined in too many draws.

    Raises:
        ValueError: There is no row.
    """
    rows = len(predictions)
    if not rows:
        raise ValueError("estimation: expected 1 or more predictions, received none")
    ones = np.ones(rows, np.int64)
    expected = _expect(predictions, ones, recalibration, metrics)
    cells = make_cells(np.zeros(rows, np.int64), {"": predictions})
    if cells is None:
        drawn = _draw(predictions, ones, recalibration, metrics, draws, seed)
        return {name: _interval(expected[name], drawn[name], level) for name in metrics}
    means, counts = cells.predictions[""], cells.counts
    of_cells = _expect(means, counts, recalibration, metrics)
    drawn = _draw(means, counts, recalibration, metrics, draws, seed)
    return {name: _interval(expected[name], drawn[name] + expected[name] - of_cells[name], level) for name in metrics}


def _expect(
    predictions: np.ndarray, counts: np.ndarray, recalibration: Recalibration, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """Return each metric of the expected labels of `counts` rows at each prediction."""
    positive = counts * recalibration.probabilities(predictions)
    labels, twice = _twice(predictions)
    weights = np.r_[positive, counts - positive][None]
    return {name: float(metric(labels, twice, weights)[0]) for name, metric in metrics.items()}


def _draw(
    predictions: np.ndarray,
    counts: np.ndarray,
    recalibration: Recalibration,
    metrics: Mapping[str, Metric],
    draws: int,
    seed: int,
) -> dict[str, np.ndarray]:
    """Return each metric of drawn labels of `counts` rows at each prediction, [draws]."""
    labels, twice = _twice(predictions)
    generator = np.random.default_rng(seed)
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in metrics}
    step = max(1, _AT_ONCE // len(twice))
    for begin in range(0, draws, step):
        chances = np.stack([recalibration.refit(each, predictions) for each in range(begin, min(begin + step, draws))])
        hits = generator.binomial(counts, chances) if counts.max() > 1 else generator.random(chances.shape) < chances
        positive = hits.astype(np.float64)
        weights = np.concatenate([positive, counts - positive], axis=1)
        for name, metric in metrics.items():
            drawn[name].append(metric(labels, twice, weights))
    return {name: np.concatenate(values) for name, values in drawn.items()}


def _twice(predictions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and predictions in which every row is first positive, then negative: [2 * rows] each."""
    ones = np.ones(len(predictions), np.int64)
    return np.r_[ones, ones * 0], np.r_[predictions, predictions]


def _interval(value: float, drawn: np.ndarray, level: float) -> Interval:
    """Return the interval that holds the next draw with probability `level` (quantiles of Weibull 1939).

    Its ends are NaN if the metric is undefined in more draws than may lie outside, as among very few rows.
    """
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < level * len(drawn):
        return Interval(value=value, low=np.nan, high=np.nan)
    outside = 50 * (1 - level)
    low, high = np.percentile(defined, [outside, 100 - outside], method="weibull")
    return Interval(value=value, low=float(low), high=float(high))
