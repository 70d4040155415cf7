"""Find columns with information in common: permuted one at a time, each seems less important than it is."""

from collections.abc import Mapping

import numpy as np

TELLING = 0.5  # share of a column's information that another column has; pairs with at least this are reported


def find_associations(groups: Mapping[str, np.ndarray], least: float = TELLING) -> list[tuple[str, str, float]]:
    """Find pairs of columns with information in common.

    The measure is the mutual information of the two as a share of the smaller entropy (the larger of Theil's two
    uncertainty coefficients): 0 for independent columns, 1 if one determines the other. The bias of few rows is
    subtracted (Miller 1955).

    Args:
        groups: Column -> number of each row's group, int64 [rows], as pipelines.evaluation.row_groups makes them.
        least: The smallest share to report.

    Returns:
        Both columns and their share, the largest share first.
    """
    names, found = list(groups), []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            share = measure_association(groups[one], groups[other])
            if share >= least:
                found.append((one, other, share))
    return sorted(found, key=lambda pair: -pair[2])


def measure_association(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of information that two columns have in common, 0 to 1; 0 if either has only one value.

    Example:
        >>> measure_association(np.array([0, 0, 1, 1] * 50), np.array([5, 5, 6, 6] * 50)) > 0.99
        True
        >>> measure_association(np.array([0, 0, 1, 1] * 50), np.array([0, 1, 0, 1] * 50))
        0.0
    """
    counts = _count_pairs(one, other)
    if not counts.size:
        return 0.0
    rows = counts.sum()
    entropies = _entropy(counts.sum(axis=1)), _entropy(counts.sum(axis=0))
    by_chance = (counts.shape[0] - 1) * (counts.shape[1] - 1) / (2 * rows)
    shared = entropies[0] + entropies[1] - _entropy(counts.ravel()) - by_chance
    return float(np.clip(shared / min(entropies), 0, 1)) if min(entropies) > 0 else 0.0


def _count_pairs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    rows, columns = (np.unique(values, return_inverse=True)[1].reshape(-1) for values in (one, other))
    counts = np.zeros((int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1))
    np.add.at(counts, (rows, columns), 1)
    return counts


def _entropy(counts: np.ndarray) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
