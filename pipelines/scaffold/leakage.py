"""Find columns that alone predict the label (almost) perfectly: most often their values were written after the label's.

A column is cut into bins, with one more bin for missing values. Each row's label is predicted from the rows of the same
bin in the other half of the file. The column is reported and stays a feature: some tasks are that easy, and only people
know which columns are known before the label is.
"""

import numpy as np
import pandas as pd

from pipelines.scaffold.question import Question
from pipelines.task_definition.problem import REGRESSION

# AUC of the class that is predicted worst, and R² of a regression. Columns without leakage stay below: in scikit-
# learn's iris data the petal width alone has an AUC of 0.983, in its breast cancer data the worst area has 0.948.
LEAST_AUC = 0.99
LEAST_R2 = 0.99
_MOST_BINS = 64
_ROWS_PER_BIN = 10


def explain_suspicion(values: pd.Series, labels: pd.Series, question: Question) -> str:
    """Say how well a column alone predicts the label, if suspiciously well.

    Args:
        values: Numbers or texts. Missing ones are NaN, NA or None.
        labels: The label of the same rows, none missing.
        question: What is predicted.

    Returns:
        Empty if the column is not suspicious.
    """
    bins = _cut_into_bins(values)
    if question.problem == REGRESSION:
        score = _r2(bins, values, labels.astype("float64").to_numpy())
        return f"alone it explains {score:.1%} of the label's variance" if score >= LEAST_R2 else ""
    score = min(_auc(bins, (labels == value).to_numpy(bool)) for value in question.classes)
    return f"alone it separates the classes with an AUC of {score:.3f}" if score >= LEAST_AUC else ""


def _cut_into_bins(column: pd.Series) -> np.ndarray:
    """Return each row's bin, int64 [rows]: by quantile for numbers with many different values, otherwise by value."""
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
    """Return for each row the mean target of its bin in the other half, shrunk to the overall mean, [rows]."""
    half = np.arange(len(bins)) // 2 % 2  # pairs of rows: a file may alternate between classes
    found = np.empty(len(bins))
    for side in (0, 1):
        rows, others = half == side, half != side
        sums = np.bincount(bins[others], targets[others], minlength=bins.max() + 1)
        counts = np.bincount(bins[others], minlength=bins.max() + 1)
        found[rows] = ((sums + targets.mean()) / (counts + 1))[bins[rows]]
    return found


def _auc(bins: np.ndarray, is_class: np.ndarray) -> float:
    """Compute the AUC from ranks: Mann and Whitney's statistic over the number of pairs."""
    ranks = pd.Series(_means_of_other_half(bins, is_class.astype("float64"))).rank().to_numpy()
    positive = int(is_class.sum())
    return float((ranks[is_class].sum() - positive * (positive + 1) / 2) / (positive * (len(bins) - positive)))


def _r2(bins: np.ndarray, column: pd.Series, labels: np.ndarray) -> float:
    """Compute R² of the bins or a straight line, whichever is larger: bins are too coarse for a copy of the label."""
    errors = labels - _means_of_other_half(bins, labels)
    score = 1 - float((errors**2).mean() / labels.var())
    there = column.notna().to_numpy()
    if pd.api.types.is_numeric_dtype(column) and there.mean() >= LEAST_R2:
        numbers, shown = column[there].astype("float64").to_numpy(), labels[there]
        if numbers.std() and shown.std():
            score = max(score, float(np.corrcoef(numbers, shown)[0, 1] ** 2))
    return score
