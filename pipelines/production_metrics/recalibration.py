"""Calibrate a model's predictions by isotonic regression on the eval split, and measure how certain that is.

The pool-adjacent-violators algorithm fits a monotone function (Barlow, Bartholomew, Bremner, Brunk 1972, "Statistical
inference under order restrictions"), as Zadrozny and Elkan (2002, "Transforming classifier scores into accurate
multiclass probability estimates") calibrate classifiers. Refits on bootstrap resamples of the rows show how much the
function would differ with another eval split.
"""

import dataclasses

import numpy as np

from pipelines.production_metrics.errors import ProductionMetricsError

_CELLS = 400  # at most; rows with similar predictions share a cell, so that a refit takes milliseconds
_SEED = 20240601  # fixed, so that the same rows give the same refits


class RecalibrationError(ProductionMetricsError):
    """The rows are all of one class, so that nothing can be fitted."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recalibration:
    """Monotone functions from predictions to probabilities, linear between the cells' mean predictions."""

    predictions: np.ndarray  # float64 [cells], increasing: mean prediction of each cell
    fitted: np.ndarray  # float64 [cells], not decreasing: share of positive rows
    refitted: np.ndarray  # float64 [refits, cells]: the same share, fitted to resamples

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """Return the probability that each row is positive, float64 [rows], from the model's predictions [rows]."""
        return np.interp(predictions, self.predictions, self.fitted)

    def refit(self, number: int, predictions: np.ndarray) -> np.ndarray:
        """Return the same probabilities from one of the refits."""
        return np.interp(predictions, self.predictions, self.refitted[number % len(self.refitted)])


def fit_recalibration(
    labels: np.ndarray, predictions: np.ndarray, *, refits: int = 200, seed: int = _SEED
) -> Recalibration:
    """Fit the recalibration to rows whose labels are known.

    Args:
        labels: [rows], 0 or 1.
        predictions: [rows], the model's probabilities.
        refits: number of bootstrap resamples.
        seed: of the resamples.

    Returns:
        The recalibration.

    Raises:
        RecalibrationError: One of the classes has no row.
    """
    positive = int((labels > 0).sum())
    if not 0 < positive < len(labels):
        raise RecalibrationError(
            f"recalibration: expected rows of both classes, received {positive} positive ones among {len(labels)}"
        )
    order = np.argsort(predictions, kind="stable")
    ranked = predictions[order]
    # Rows with equal predictions share a cell: that of the first of them.
    first = np.searchsorted(ranked, ranked, side="left")
    cells = np.unique(first * _CELLS // len(labels), return_inverse=True)[1].reshape(-1)
    rows = np.bincount(cells).astype(np.float64)
    hits = np.bincount(cells, weights=(labels[order] > 0).astype(np.float64))
    middle = np.bincount(cells, weights=ranked.astype(np.float64)) / rows
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(len(labels), np.concatenate([hits, rows - hits]) / len(labels), size=refits).astype(
        np.float64
    )
    count = len(rows)
    refitted = [isotonic(one[:count], one[:count] + one[count:]) for one in drawn]
    return Recalibration(predictions=middle, fitted=isotonic(hits, rows), refitted=np.array(refitted))


def isotonic(hits: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Fit shares of positive rows that do not decrease, by least squares.

    Args:
        hits: positive rows of each cell.
        rows: all rows of each cell; a cell without rows gets its neighbour's share.

    Returns:
        float64 [cells].

    Example:
        >>> isotonic(np.array([3, 1, 4]), np.array([4, 4, 4])).tolist()
        [0.5, 0.5, 1.0]
    """
    blocks: list[list[float]] = []  # hits, rows, cells
    for hit, count in zip(hits.tolist(), rows.tolist(), strict=True):
        block = [hit, count, 1]
        # Pool a block with the next one if its share is not smaller. A block without rows joins either neighbour.
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = [before[0] + block[0], before[1] + block[1], before[2] + block[2]]
        blocks.append(block)
    shares = [hit / count if count else 0.0 for hit, count, _ in blocks]
    return np.repeat(shares, [int(cells) for _, _, cells in blocks])
