"""How far metrics may lie from what other rows of the same kind would give: bootstrap intervals, vectorised.

A resample draws as many rows as there are, with replacement (Efron 1979, "Bootstrap methods: another look at the
jackknife"). Only how often each row was drawn matters, so a resample is a row of counts, which the metrics of
`pipelines.evaluation.weighted_metrics` take as weights. Intervals are percentiles of the resamples.

Many rows of two classes are drawn as cells of nearly equal predictions (`pipelines.evaluation.row_cells`); the interval
is then moved by what the cells change in the metric itself.

The rows vary, the model does not: what another training would give is a question for several seeds.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
from scipy.special import stdtrit  # quantiles of Student's t; scipy.stats takes a second to import

from pipelines.evaluation.row_cells import RowCells, make_cells
from pipelines.evaluation.weighted_metrics import ROW_VALUES, Metric

RESAMPLES = 300  # the ends of a 95% interval rest on 7 of them each; 3 digits of a metric is what is read
LEVEL = 0.95  # share of the resamples inside an interval
_SEED = 20240501  # the same rows give the same interval
_AT_ONCE = 4_000_000  # counts in memory, 16 MB
_WORK = 30_000_000  # rows drawn, over all resamples: what stays below a second
_AFFORDABLE = (100, 300)  # resamples at least, at most


@dataclasses.dataclass(frozen=True, kw_only=True)
class Interval:
    """A metric on some rows."""

    value: float  # on the rows themselves; NaN where it is undefined, such as ROC AUC where all labels are the same
    low: float  # of the interval; NaN where no resample had a value
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
    """Estimate an interval for each metric.

    Args:
        labels: [rows]; class numbers, or the number that was to be predicted.
        predictions: [rows], or [rows, classes] of probabilities.
        metrics: by name.
        resamples: how many.
        level: share of the resamples inside an interval, between 0 and 1.
        seed: of the draws.

    Raises:
        ValueError: There is no row, or labels and predictions are not of the same rows.
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
    """Estimate how much each metric changes from the `others` to the `predictions`, with its interval.

    Gate, report, notebooks and `runs` take a difference from here, so that it is the same number everywhere.

    Both models are measured on the same rows: their errors are correlated, so that their difference is known far
    better than either value. Where a metric is a mean over rows, its difference is the mean of what each row adds for
    the one model less what it adds for the other, and the interval is Student's for paired rows (Student 1908, "The
    probable error of a mean"): no draw, in one pass over the rows. Every other metric is measured on the same
    resamples for both.

    Args:
        labels: [rows].
        predictions: of the one model, [rows] or [rows, classes].
        others: of the model that it is compared with, on the same rows.
        metrics: by name.
        resamples: how many.
        level: share of the resamples inside an interval, between 0 and 1.
        seed: of the draws.

    Raises:
        ValueError: There is no row, or labels and predictions are not of the same rows.
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
    """Return how many resamples of so many rows stay within about a second."""
    return int(np.clip(_WORK // max(rows, 1), *_AFFORDABLE))


def _paired_interval(changes: np.ndarray, level: float) -> Interval:
    """Return Student's interval of the mean of paired differences, [rows].

    Of one row nothing is known of the spread: its interval has no end.
    """
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
    """Return (whose predictions, metric) -> its value on each resample, [resamples]."""
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
    """Yields how many rows of each cell were drawn, float64 [some resamples, cells], until all were given."""
    generator = np.random.default_rng(seed)
    rows = int(cells.counts.sum())
    step = max(1, min(resamples, _AT_ONCE // len(cells.counts)))
    for begin in range(0, resamples, step):
        count = min(step, resamples - begin)
        yield generator.multinomial(rows, cells.counts / rows, size=count).astype(np.float64)


def draw_resamples(rows: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yields how often each row was drawn, float64 [some resamples, rows], until all `resamples` were given."""
    generator = np.random.default_rng(seed)
    step = max(1, min(resamples, _AT_ONCE // rows))
    for begin in range(0, resamples, step):
        count = min(step, resamples - begin)
        # Each resample's rows get numbers of their own, so that one count serves all.
        drawn = generator.integers(rows, size=(count, rows)) + rows * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)


def percentile_interval(value: float, drawn: np.ndarray, level: float) -> Interval:
    """Return the interval that holds `level` of the resampled values; those that are undefined do not count.

    Args:
        value: on the rows themselves.
        drawn: on each resample, [resamples]; NaN where it is undefined.
        level: share of the resamples inside, between 0 and 1.
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
