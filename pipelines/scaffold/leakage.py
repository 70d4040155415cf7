"""Names the columns that alone tell the label (almost) perfectly: most often it was written into them afterwards.

A column is cut into bins, a missing value being one of its own; each row is judged by the rows of its bin in the other
half of the file. Nothing is left out for it: some tasks are that easy, and only people know which columns are known
before the answer is.
"""

import numpy as np
import pandas as pd

from pipelines.scaffold.question import Question
from pipelines.task_definition.problem import REGRESSION

# Of the worst-told class, and of a regression: beyond what honest columns reach. Of scikit-learn's iris flowers the
# petal width alone has 0.983, of its tumours the worst area 0.948.
LEAST_AUC = 0.99
LEAST_R2 = 0.99
_MOST_BINS = 64
_ROWS_PER_BIN = 10


def explain_suspicion(values: pd.Series, labels: pd.Series, question: Question) -> str:
    """Says what a column reaches alone, where that is to be suspected; empty otherwise.

    Args:
        values: numbers, or texts. Missing ones are NaN, NA or None.
        labels: of the same rows, without gaps.
        question: what is predicted.
    """
    bins = _cut_into_bins(values)
    if question.problem == REGRESSION:
        reached = _r2(bins, values, labels.astype("float64").to_numpy())
        return f"alone it explains {reached:.1%} of the label's variance" if reached >= LEAST_R2 else ""
    reached = min(_auc(bins, (labels == value).to_numpy(bool)) for value in question.classes)
    return f"alone it tells the classes apart with an AUC of {reached:.3f}" if reached >= LEAST_AUC else ""


def _cut_into_bins(column: pd.Series) -> np.ndarray:
    """Int64 [rows]; numbers of many kinds by their quantiles, everything else by value."""
    bins = np.zeros(len(column), "int64")
    there = column.notna().to_numpy()
    present = column[there]
    most = min(_MOST_BINS, max(2, len(present) // _ROWS_PER_BIN))
    if pd.api.types.is_numeric_dtype(column) and present.nunique() > most:
        ranks = present.astype("float64").rank(method="dense").to_numpy()
        edges = np.quantile(ranks, np.arange(1, most) / most)
        bins[there] = 1 + np.searchsorted(edges, ranks)
    else:
        bins[there] = 1 + pd.factorize(present)[0]
    return bins


def _means_of_other_half(bins: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """[rows]; for each row the mean target of its bin among the rows of the other half, drawn to the mean of all."""
    half = np.arange(len(bins)) // 2 % 2  # pairs of rows: a file may alternate between classes
    found = np.empty(len(bins))
    for side in (0, 1):
        rows, others = half == side, half != side
        sums = np.bincount(bins[others], targets[others], minlength=bins.max() + 1)
        counts = np.bincount(bins[others], minlength=bins.max() + 1)
        found[rows] = ((sums + targets.mean()) / (counts + 1))[bins[rows]]
    return found


def _auc(bins: np.ndarray, is_class: np.ndarray) -> float:
    """The share of pairs that are told in the right order: Mann and Whitney's statistic."""
    ranks = pd.Series(_means_of_other_half(bins, is_class.astype("float64"))).rank().to_numpy()
    positive = int(is_class.sum())
    return float((ranks[is_class].sum() - positive * (positive + 1) / 2) / (positive * (len(bins) - positive)))


def _r2(bins: np.ndarray, column: pd.Series, labels: np.ndarray) -> float:
    """What the bins explain, or a straight line if that is more: bins are too coarse for a copy of the label."""
    errors = labels - _means_of_other_half(bins, labels)
    reached = 1 - float((errors**2).mean() / labels.var())
    there = column.notna().to_numpy()
    if pd.api.types.is_numeric_dtype(column) and there.mean() >= LEAST_R2:
        numbers, shown = column[there].astype("float64").to_numpy(), labels[there]
        if numbers.std() and shown.std():
            reached = max(reached, float(np.corrcoef(numbers, shown)[0, 1] ** 2))
    return reached
