"""Estimate confidence intervals of metrics, and of their differences between two models, with a vectorised bootstrap.

A resample draws as many rows as there are, with replacement (Efron 1979, "Bootstrap methods: another look at the
jackknife"). A resample is stored as the count of each row, which the metrics of `pipelines.evaluation.weighted_metrics`
take as weights. Intervals are percentiles of the resamples.

Many rows of two classes are drawn as cells of nearly equal predictions (`pipelines.evaluation.row_cells`). The
interval is then shifted by the difference between the metric of the cells and that of the rows.

The intervals cover the variation between samples of rows, for this model. They do not cover other trainings.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.special import stdtrit  # quantiles of Student's t; scipy.stats takes a second to import

from pipelines.evaluation.row_cells import RowCells, make_cells
from pipelines.evaluation.weighted_metrics import ROW_VALUES, Metric

RESAMPLES = 300  # about 7 of them lie beyond each end of a 95% interval, enough for the 3 digits that people read
LEVEL = 0.95  # share of the resamples inside an interval
_SEED = 20240501  # the same rows give the same interval
_AT_ONCE = 4_000_000  # counts in memory at once: 32 MB as float64
_WORK = 30_000_000  # rows to draw in all resamples, which takes less than a second
_AFFORDABLE = (100, 300)  # resamples, at least and at most


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """A metric on some rows, with its interval."""

    value: float  # on the rows themselves; NaN if it is undefined, such as ROC AUC if all labels are the same
    low: float  # lower end of the interval; NaN if the metric is undefined on every resample
    high: float


def estimate_intervals(
    labels: np.ndarray,
    predictions: np.ndarray,
    metrics: Mapping[str, Metric],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = _SEED,
) -> dict[str, Interval]:
    """Return each metric with its bootstrap interval.

    Args:
        labels: Class numbers, or the labels of a regression, [rows].
        predictions: [rows], or probabilities [rows, classes].
        metrics: Metrics by name.
        resamples: Number of resamples.
        level: Share of the resamples inside an interval, between 0 and 1.
        seed: Seed of the draws.

    Raises:
        ValueError: There is no row, or labels and predictions differ in length.
    """
    _require_pairs(labels, predictions)
    drawn = _resample_metrics(labels, {"": predictions}, metrics, resamples, seed)
    once = np.ones((1, len(labels)))
    return {
        name: percentile_interval(float(metric(labels, predictions, once)[0]), drawn["", name], level)
        for name, metric in metrics.items()
    }


def estimate_differences(
    labels: np.ndarray,
    predictions: np.ndarray,
    others: np.ndarray,
    metrics: Mapping[str, Metric],
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = _SEED,
) -> dict[str, Interval]:
    """Return how much each metric changes from the `others` to the `predictions`, with its interval.

    The gate, the report, notebooks and `runs` all use this function, so a difference is the same number everywhere.

    Both models are measured on the same rows. Their errors are correlated, so the interval of the difference is
    narrower than those of the values. If a metric is a mean over rows, the difference is the mean of the differences
    per row, and the interval is Student's for paired rows (Student 1908, "The probable error of a mean"), without
    resamples. Every other metric is measured on the same resamples for both models.

    Args:
        labels: [rows].
        predictions: Predictions of the model, [rows] or [rows, classes].
        others: Predictions of the model that it is compared with, for the same rows.
        metrics: Metrics by name.
        resamples: Number of resamples.
        level: Confidence level of the interval, between 0 and 1.
        seed: Seed of the draws.

    Raises:
        ValueError: There is no row, or labels and predictions differ in length.
    """
    _require_pairs(labels, predictions)
    _require_pairs(labels, others)
    others_by_resample = {name: metric for name, metric in metrics.items() if metric not in ROW_VALUES}
    drawn = (
        _resample_metrics(labels, {"one": predictions, "other": others}, others_by_resample, resamples, seed)
        if others_by_resample
        else {}
    )
    once = np.ones((1, len(labels)))
    found = {}
    for name, metric in metrics.items():
        if metric in ROW_VALUES:
            row_values = ROW_VALUES[metric]
            changes = row_values(labels, predictions).astype(np.float64) - row_values(labels, others)
            found[name] = _paired_interval(changes, level)
        else:
            value = float(metric(labels, predictions, once)[0] - metric(labels, others, once)[0])
            found[name] = percentile_interval(value, drawn["one", name] - drawn["other", name], level)
    return found


def affordable_resamples(rows: int) -> int:
    """Return the number of resamples that take about a second, 100 to 300.

    Example:
        >>> affordable_resamples(5_000), affordable_resamples(150_000), affordable_resamples(10_000_000)
        (300, 200, 100)
    """
    return int(np.clip(_WORK // max(rows, 1), *_AFFORDABLE))


def _paired_interval(changes: np.ndarray, level: float) -> Interval:
    """Return Student's interval of the mean of paired differences, [rows]; it is infinite with only one row."""
    value, rows = float(changes.mean()), len(changes)
    if rows == 1:
        return Interval(value=value, low=-np.inf, high=np.inf)
    reach = float(stdtrit(rows - 1, 0.5 + level / 2) * changes.std(ddof=1) / np.sqrt(rows))
    return Interval(value=value, low=value - reach, high=value + reach)


def _resample_metrics(
    labels: np.ndarray,
    predictions: Mapping[str, np.ndarray],
    metrics: Mapping[str, Metric],
    resamples: int,
    seed: int,
) -> dict[tuple[str, str], np.ndarray]:
    """Return (name of the predictions, metric) -> the metric's value on each resample, [resamples]."""
    cells = make_cells(labels, predictions)
    draws = draw_resamples(len(labels), resamples, seed) if cells is None else _draw_cells(cells, resamples, seed)
    drawn_labels, drawn_predictions = (labels, predictions) if cells is None else (cells.labels, cells.predictions)
    found: dict[tuple[str, str], list[np.ndarray]] = {(whose, name): [] for whose in predictions for name in metrics}
    for counts in draws:
        for (whose, name), values in found.items():
            values.append(metrics[name](drawn_labels, drawn_predictions[whose], counts))
    resampled = {key: np.concatenate(values) for key, values in found.items()}
    if cells is None:
        return resampled
    once, each = np.ones((1, len(labels))), cells.counts[None].astype(np.float64)
    return {
        (whose, name): values
        + metrics[name](labels, predictions[whose], once)[0]
        - metrics[name](cells.labels, cells.predictions[whose], each)[0]
        for (whose, name), values in resampled.items()
    }


def _draw_cells(cells: RowCells, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield counts of drawn rows per cell, float64 [a part of the resamples, cells]."""
    generator = np.random.default_rng(seed)
    rows = int(cells.counts.sum())
    step = max(1, min(resamples, _AT_ONCE // len(cells.counts)))
    for begin in range(0, resamples, step):
        count = min(step, resamples - begin)
        yield generator.multinomial(rows, cells.counts / rows, size=count).astype(np.float64)


def draw_resamples(rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each row was drawn, float64 [a part of the resamples, rows]."""
    generator = np.random.default_rng(seed)
    step = max(1, min(resamples, _AT_ONCE // rows))
    for begin in range(0, resamples, step):
        count = min(step, resamples - begin)
        # Each resample's rows get numbers of their own, so that one bincount counts all resamples.
        drawn = generator.integers(rows, size=(count, rows)) + rows * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)


def percentile_interval(value: float, drawn: np.ndarray, level: float) -> Interval:
    """Return the interval that contains `level` of the resampled values, without the undefined ones.

    Args:
        value: Value of the metric on the rows themselves.
        drawn: Value on each resample, [resamples]; NaN if undefined.
        level: Share of the resamples inside the interval, between 0 and 1.

    Example:
        >>> percentile_interval(50.0, np.array([np.nan, *range(101)]), level=0.5)
        Interval(value=50.0, low=25.0, high=75.0)
    """
    defined = drawn[np.isfinite(drawn)]
    if not len(defined):
        return Interval(value=value, low=np.nan, high=np.nan)
    outside = 50 * (1 - level)
    low, high = np.percentile(defined, [outside, 100 - outside])
    return Interval(value=value, low=float(low), high=float(high))


def _require_pairs(labels: np.ndarray, predictions: np.ndarray) -> None:
    if not len(labels) or len(labels) != len(predictions):
        raise ValueError(
            f"bootstrap: expected 1 or more labels and one prediction for each, received {len(labels)} labels and "
            f"{len(predictions)} predictions"
        )
