"""Metrics before labels come: confidence-based performance estimation for two classes.

A row whose calibrated probability is p is counted as p of a positive row and 1 - p of a negative one: the expected
confusion matrix, and with it the expected accuracy, precision, recall and ROC curve, as NannyML's CBPE has them
(NannyML's documentation, "How it works: performance estimation"; Kivimäki, Białek, Kuberski and others 2025,
"Performance Estimation in Binary Classification Using Calibrated Confidence", arXiv 2505.05295, whose distribution of
the confusion matrix is drawn here rather than computed). Log loss and Brier score are means over rows, so that their
expectation is exact.

The interval is one for the *value that labels will give*: labels are drawn from the probabilities, which in turn are
drawn from the refits of the recalibration. It holds as long as equal predictions mean equal shares of positive rows as
in the eval split: what changes the columns alone is followed; what changes the answer behind equal columns is not, and
shows as a gap to the estimate once labels come.

Of many rows, labels are drawn for cells of neighbouring predictions (pipelines/evaluation/row_cells.py), as the
bootstrap does; the expectation is that of all rows.

For a number there are no probabilities to count with: NannyML's DLE trains a second model for it, which this is not.
"""

from collections.abc import Mapping

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, Interval
from pipelines.evaluation.row_cells import make_cells
from pipelines.evaluation.weighted_metrics import Metric
from pipelines.production_metrics.recalibration import Recalibration

DRAWS = 200  # of the labels; the ends of a 95% interval rest on 5 of them each
_SEED = 20240701  # the same rows give the same interval
_AT_ONCE = 4_000_000  # weights in memory, 32 MB


def estimate_metrics(
    predictions: np.ndarray,
    recalibration: Recalibration,
    metrics: Mapping[str, Metric],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = _SEED,
) -> dict[str, Interval]:
    """Estimates each metric of rows without labels.

    Args:
        predictions: [rows], the model's probabilities.
        recalibration: what they mean, from rows with labels.
        metrics: by name, of pipelines.production_metrics.metrics.
        draws: of the labels.
        level: share of windows whose real value the interval holds, between 0 and 1.
        seed: of the draws.

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
    """Each metric of the expected labels of `counts` rows at each prediction."""
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
    """Each metric of drawn labels of `counts` rows at each prediction, [draws]."""
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
    """Labels and predictions of every row as a positive one, then as a negative one."""
    ones = np.ones(len(predictions), np.int64)
    return np.r_[ones, ones * 0], np.r_[predictions, predictions]


def _interval(value: float, drawn: np.ndarray, level: float) -> Interval:
    """The interval that the next draw falls into with a probability of `level` (quantiles of Weibull 1939).

    There is none where the metric is undefined in more draws than may lie outside, as among a handful of rows.
    """
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < level * len(drawn):
        return Interval(value=value, low=np.nan, high=np.nan)
    outside = 50 * (1 - level)
    low, high = np.percentile(defined, [outside, 100 - outside], method="weibull")
    return Interval(value=value, low=float(low), high=float(high))
