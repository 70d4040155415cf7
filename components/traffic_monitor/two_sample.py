"""Two-sample tests: the probability of a difference at least as large if both samples have one distribution.

All tests are conditional on the pooled rows: under the null hypothesis, the rows are assigned to the samples at random.
"""

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from components.traffic_monitor.pooled import Pooled

_LogMgf = Callable[[np.ndarray, float, float], np.ndarray]  # (counts, share, theta) -> log E exp(theta g) of each count


def chi_square(first: np.ndarray, second: np.ndarray) -> float:
    """Return the p-value of Pearson's test of homogeneity.

    Args:
        first: rows of one sample in each cell, [cells].
        second: rows of the other sample, [cells].

    Example:
        >>> round(chi_square(np.array([30, 70]), np.array([50, 50])), 4)
        0.0039
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
    """Return the p-value of Fisher's exact test of two shares, the doubled one-sided one.

    Args:
        first: rows of one sample that have the property.
        first_rows: all rows of that sample.
        second: rows of the other sample that have the property.
        second_rows: all rows of the other sample.

    Example:
        >>> round(fisher(3, 10, 7, 10), 4), fisher(5, 10, 5, 10)
        (0.1789, 1.0)
    """
    rows = first_rows + second_rows
    fewer = stats.hypergeom.cdf(first, rows, first + second, first_rows)
    more = stats.hypergeom.sf(first - 1, rows, first + second, first_rows)
    return float(min(1.0, 2 * min(fewer, more)))


def kolmogorov_smirnov(pooled: Pooled) -> tuple[float, float]:
    """Compute the Kolmogorov-Smirnov test with its asymptotic p-value, which is too large if values are tied.

    Args:
        pooled: numbers of both samples.

    Returns:
        The largest distance of the two distribution functions, and the p-value.
    """
    rows = len(pooled.first), len(pooled.second)
    if not all(rows):
        return 0.0, 1.0
    below = np.cumsum(pooled.first_counts) / rows[0] - np.cumsum(pooled.second_counts) / rows[1]
    distance = float(np.abs(below).max())
    size = rows[0] * rows[1] / sum(rows)
    return distance, float(stats.kstwobign.sf(np.sqrt(size) * distance))


def unseen(pooled: Pooled) -> tuple[int, float]:
    """Return how many rows of the first sample have a value that the second lacks, and a p-value."""
    counts = pooled.counts
    found = int(pooled.first_counts[pooled.second_counts == 0].sum())
    # A value with more rows than `found` would be enough alone: its probability is added, and it is not in the sum.
    larger = counts[counts > found]
    share = len(pooled.first) / max(1, int(counts.sum()))
    bound = _chernoff(found, counts[counts <= found], share, _log_mgf_of_unseen)
    return found, min(1.0, bound + float((share**larger).sum()))


def spike(pooled: Pooled) -> tuple[int, float]:
    """Find the value whose frequency in the first sample exceeds that in the second most significantly.

    Each value is tested with Fisher's exact one-sided test. The p-value is the smallest one times the number of values
    (Bonferroni).

    Args:
        pooled: values of both samples.

    Returns:
        The position of that value in `pooled.values`, and the p-value.
    """
    counts = pooled.counts
    rows = int(counts.sum())
    # Values with the same two counts have the same p-value, which is computed once.
    keys, back = np.unique(pooled.first_counts * (rows + 1) + counts, return_inverse=True)
    chances = stats.hypergeom.sf(keys // (rows + 1) - 1, rows, keys % (rows + 1), len(pooled.first))
    most = int(chances[back].argmin())
    return most, float(min(1.0, chances[back[most]] * len(counts)))


def copies(pooled: Pooled) -> tuple[int, float]:
    """Count the rows of the first sample that repeat another of its rows.

    Args:
        pooled: a code for each row, equal for equal rows.

    Returns:
        The number of these rows, and a p-value.
    """
    found = int(np.maximum(pooled.first_counts - 1, 0).sum())
    counts = pooled.counts
    return found, _chernoff(found, counts, len(pooled.first) / int(counts.sum()), _log_mgf_of_copies)


def _chernoff(observed: int, pooled: np.ndarray, share: float, log_mgf: _LogMgf) -> float:
    """Return Chernoff's upper bound of the probability that a sum over values is at least the observed one.

    How often a value is in the first sample has a hypergeometric distribution, whose moments the binomial distribution
    bounds (Hoeffding 1963). The counts of different values are negatively associated (Joag-Dev and Proschan 1983), so
    the product bounds the moments of the sum. The true p-value is at most this bound.

    Args:
        observed: the sum.
        pooled: how often each value is in both samples together, [values].
        share: the first sample's share of all rows.
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
    """Return log E exp(theta g), where g is a value's count if all its rows are in the first sample, else 0."""
    all_in = counts * np.log(share)
    with np.errstate(divide="ignore"):
        return np.logaddexp(np.log(-np.expm1(all_in)), all_in + theta * counts)


def _log_mgf_of_copies(counts: np.ndarray, share: float, theta: float) -> np.ndarray:
    """Return log E exp(theta g), where g is the number of a value's rows in the first sample less one, at least 0."""
    none_in = counts * np.log1p(-share)
    some_in = counts * np.logaddexp(np.log1p(-share), np.log(share) + theta)
    with np.errstate(divide="ignore"):
        return np.logaddexp(none_in, some_in - theta + np.log(-np.expm1(none_in - some_in)))
