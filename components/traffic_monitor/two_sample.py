"""Two-sample tests: how probable a difference at least as large is when both samples are of one origin.

All are tests of which rows are of which sample, given the rows: the chance of each is that of a random assignment.
"""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from components.traffic_monitor.pooled import Pooled

_LogMgf = Callable[[np.ndarray, float, float], np.ndarray]  # (counts, share, theta) -> log E exp(theta g) of each count


def chi_square(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's test of homogeneity; its p-value.

    Args:
        first: rows of the one sample by cell, [cells].
        second: of the other, [cells].
    """
    table = np.stack([first, second])[:, (first + second) > 0].astype(np.float64)
    rows = table.sum(axis=1)
    cells = table.shape[1]
    if cells < 2 or not rows.all():
        return 1.0
    expected = rows[:, None] * table.sum(axis=0) / rows.sum()
    statistic = float((np.square(table - expected) / expected).sum())
    return float(stats.chi2.sf(statistic, cells - 1))


def fisher(first: int, first_rows: int, second: int, second_rows: int) -> float:
    """Fisher's exact test of two shares; the doubled one-sided p-value.

    Args:
        first: rows of the one sample that count.
        first_rows: all of its rows.
        second: rows of the other that count.
        second_rows: all of its rows.
    """
    rows = first_rows + second_rows
    fewer = stats.hypergeom.cdf(first, rows, first + second, first_rows)
    more = stats.hypergeom.sf(first - 1, rows, first + second, first_rows)
    return float(min(1.0, 2 * min(fewer, more)))


def kolmogorov_smirnov(pooled: Pooled) -> tuple[float, float]:
    """The largest distance of two distribution functions, and its asymptotic p-value, which ties make too large.

    Args:
        pooled: numbers of both samples.
    """
    rows = len(pooled.first), len(pooled.second)
    if not all(rows):
        return 0.0, 1.0
    below = np.cumsum(pooled.first_counts) / rows[0] - np.cumsum(pooled.second_counts) / rows[1]
    distance = float(np.abs(below).max())
    size = rows[0] * rows[1] / sum(rows)
    return distance, float(stats.kstwobign.sf(np.sqrt(size) * distance))


def unseen(pooled: Pooled) -> tuple[int, float]:
    """How many rows of the first sample have a value that the second lacks, and the chance of as many."""
    counts = pooled.counts
    found = int(pooled.first_counts[pooled.second_counts == 0].sum())
    # A value with more rows than were found would be enough by itself: its chance is added, and stays out of the sum.
    larger = counts[counts > found]
    share = len(pooled.first) / max(1, int(counts.sum()))
    bound = _chernoff(found, counts[counts <= found], share, _log_mgf_of_unseen)
    return found, min(1.0, bound + float((share**larger).sum()))


def spike(pooled: Pooled) -> tuple[int, float]:
    """Finds the value that is more frequent in the first sample than chance allows, and the chance of any as large.

    For each value the exact one-sided test of Fisher; the smallest p-value times the number of values (Bonferroni).

    Returns:
        The place of that value among the pooled ones, and the p-value.
    """
    counts = pooled.counts
    rows = int(counts.sum())
    # Equal pairs of counts have equal chances: few of them are different.
    keys, back = np.unique(pooled.first_counts * (rows + 1) + counts, return_inverse=True)
    chances = stats.hypergeom.sf(keys // (rows + 1) - 1, rows, keys % (rows + 1), len(pooled.first))
    most = int(chances[back].argmin())
    return most, float(min(1.0, chances[back[most]] * len(counts)))


def copies(pooled: Pooled) -> tuple[int, float]:
    """How many rows of the first sample repeat another of its rows, and the chance of as many.

    Args:
        pooled: a code for each row, equal for equal rows.
    """
    found = int(np.maximum(pooled.first_counts - 1, 0).sum())
    counts = pooled.counts
    return found, _chernoff(found, counts, len(pooled.first) / int(counts.sum()), _log_mgf_of_copies)


def _chernoff(observed: int, pooled: np.ndarray, share: float, log_mgf: _LogMgf) -> float:
    """Chernoff's bound of the chance that a sum over values reaches what was observed.

    How often a value is in the first sample is hypergeometric; the binomial law bounds its moments (Hoeffding 1963),
    and the counts of different values are negatively associated (Joag-Dev and Proschan 1983), so that the product
    bounds the moments of the sum. The true p-value is at most this one.

    Args:
        observed: the sum.
        pooled: how often each value is in both samples together, [values].
        share: of the rows that are the first sample's.
        log_mgf: (counts, share, theta) -> log E exp(theta g) for each count.
    """
    if not observed:
        return 1.0
    counts, weights = np.unique(pooled, return_counts=True)

    def exponent(theta: float) -> float:
        return float((weights * log_mgf(counts, share, theta)).sum() - theta * observed)

    best = optimize.minimize_scalar(exponent, bounds=(0.0, 40.0), method="bounded")
    return float(np.exp(min(0.0, best.fun)))


def _log_mgf_of_unseen(counts: np.ndarray, share: float, theta: float) -> np.ndarray:
    """A value counts with all its rows if all are in the first sample."""
    all_in = counts * np.log(share)
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log(-np.expm1(all_in)), all_in + theta * counts)


def _log_mgf_of_copies(counts: np.ndarray, share: float, theta: float) -> np.ndarray:
    """A value counts with all but one of its rows in the first sample."""
    none_in = counts * np.log1p(-share)
    some_in = counts * np.logaddexp(np.log1p(-share), np.log(share) + theta)
    with np.errstate(divide="ignore"):
        return np.logaddexp(none_in, some_in - theta + np.log(-np.expm1(none_in - some_in)))
