"""Mean losses in many slices at once, each compared with the other rows."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparisons:
    """Slices against the other rows. Slice i, j has the rows that meet conditions i and j; slice i, i those of i."""

    effects: np.ndarray  # float64 [slices, …]: difference of the means in standard deviations; -inf: too few rows
    statistics: np.ndarray  # Welch's t, likewise


def compare_pairs(met: np.ndarray, losses: np.ndarray, min_rows: int) -> Comparisons:
    """Compare the slice of each two conditions, and of each one, with the other rows: [conditions, conditions].

    Args:
        met: which rows meet each condition, float64 [conditions, rows], 0 or 1.
        losses: of the rows, [rows].
        min_rows: that a slice, and the others together, need.
    """
    return _compare(met @ met.T, (met * losses) @ met.T, (met * losses**2) @ met.T, losses, min_rows)


def compare_each(met: np.ndarray, losses: np.ndarray, min_rows: int) -> Comparisons:
    """Compare the slice of each condition with the other rows: [conditions]; arguments as of compare_pairs."""
    return _compare(met.sum(axis=1), met @ losses, met @ losses**2, losses, min_rows)


def _compare(
    counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, losses: np.ndarray, min_rows: int
) -> Comparisons:
    """Compare by count, sum and sum of squares of the losses in each slice.

    The effect size is the difference over the root of the mean variance (Cohen's d), as in Chung et al. 2019, "Slice
    Finder: Automated data slicing for model validation".
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
