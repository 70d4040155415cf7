"""Compare the mean losses in many slices at once with those of the other rows."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Comparisons of slices with the other rows. Slice i, j has the rows that meet both conditions i and j."""

    effects: np.ndarray  # float64 [slices, …]: difference of the means in standard deviations; -inf with too few rows
    statistics: np.ndarray  # Welch's t, same shape; -inf with too few rows


def compare_pairs(met: np.ndarray, losses: np.ndarray, min_rows: int) -> Comparisons:
    """Return the comparisons of the slices of each pair of conditions, [conditions, conditions].

    The diagonal has the slices of single conditions.

    Args:
        met: 1 if a row meets a condition, otherwise 0, float64 [conditions, rows].
        losses: Losses of the rows, [rows].
        min_rows: Rows that a slice needs, and that must be outside it.
    """
    return _compare(met @ met.T, (met * losses) @ met.T, (met * losses**2) @ met.T, losses, min_rows)


def compare_each(met: np.ndarray, losses: np.ndarray, min_rows: int) -> Comparisons:
    """Return the comparisons of the slices of single conditions, [conditions]; arguments as of compare_pairs."""
    return _compare(met.sum(axis=1), met @ losses, met @ losses**2, losses, min_rows)


def _compare(
    counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, losses: np.ndarray, min_rows: int
) -> Comparisons:
    """Return the comparisons, from count, sum and sum of squares of the losses in each slice.

    The effect size is the difference divided by the root of the mean variance (Cohen's d), as in Chung et al. 2019,
    "Slice Finder: Automated data slicing for model validation".
    """
    others = len(losses) - counts
    enough = (counts >= min_rows) & (others >= min_rows)
    inside, outside = np.where(enough, counts, 2), np.where(enough, others, 2)
    mean, rest = sums / inside, (losses.sum() - sums) / outside
    variance = np.maximum(squares / inside - mean**2, 0)
    rest_variance = np.maximum(((losses**2).sum() - squares) / outside - rest**2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = (mean - rest) / np.sqrt((variance + rest_variance) / 2)
        statistics = (mean - rest) / np.sqrt(variance / (inside - 1) + rest_variance / (outside - 1))
    usable = enough & np.isfinite(statistics) & np.isfinite(effects)
    return Comparisons(effects=np.where(usable, effects, -np.inf), statistics=np.where(usable, statistics, -np.inf))
