"""Fit the yardsticks: a constant, a linear model and boosted trees of scikit-learn, with default settings."""

import warnings

import numpy as np
import pandas as pd

from pipelines.task_definition.problem import MULTICLASS, REGRESSION
from pipelines.yardstick.columns import MOST_CATEGORIES, Table

CONSTANT, LINEAR, TREES = "constant", "linear", "boosted trees"
_SEED = 0  # of the rows that the trees hold out for early stopping
_STRENGTHS = np.logspace(-3, 3, 7)  # of ridge's penalty; leave-one-out validation chooses one


def fit_and_predict(
    problem: str, classes: int, train: Table, labels: np.ndarray, others: Table
) -> dict[str, np.ndarray]:
    """Fit every yardstick to the training rows, and predict the others.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        classes: number of classes; 1 for a regression.
        train: rows to learn from.
        labels: of the training rows, [rows]: class numbers, or the number to predict.
        others: rows to predict.

    Returns:
        Name -> predictions, float64 [rows], or [rows, classes] for several classes; the constant comes first. Only the
        constant, if all labels are the same or there is no column.
    """
    constant = np.full(len(others.numbers), labels.mean(dtype=np.float64))
    if problem != REGRESSION:
        shares = np.bincount(labels.astype(np.int64), minlength=classes) / len(labels)
        constant = np.tile(shares, (len(others.numbers), 1)) if problem == MULTICLASS else constant
    found = {CONSTANT: constant}
    if len(np.unique(labels)) < 2 or not train.numbers.shape[1] + train.categories.shape[1]:
        return found
    from threadpoolctl import threadpool_limits

    # One thread: on a busy machine the threads of OpenMP wait for each other in a loop, at ten times the cost.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A linear model that has not fully converged is still a yardstick.
        found[LINEAR] = _fit_linear(problem, classes, train, labels, others)
        found[TREES] = _fit_trees(problem, classes, train, labels, others)
    return found


def _fit_linear(problem: str, classes: int, train: Table, labels: np.ndarray, others: Table) -> np.ndarray:
    """Return predictions of logistic regression or ridge, with standardised numbers and a weight for each category."""
    # Imported here: the import takes half a second, and most importers of this module do not fit.
    from sklearn.linear_model import LogisticRegression, RidgeCV

    inputs, other_inputs = _design(train, others)
    if problem == REGRESSION:
        return RidgeCV(_STRENGTHS).fit(inputs, labels).predict(other_inputs)
    model = LogisticRegression(max_iter=200).fit(inputs, labels.astype(np.int64))
    return _probabilities(problem, classes, model.classes_, model.predict_proba(other_inputs))


def _fit_trees(problem: str, classes: int, train: Table, labels: np.ndarray, others: Table) -> np.ndarray:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    inputs, other_inputs = (
        np.concatenate([rows.numbers, _with_others(rows.categories)], axis=1) for rows in (train, others)
    )
    places = list(range(train.numbers.shape[1], inputs.shape[1]))
    estimator = HistGradientBoostingRegressor if problem == REGRESSION else HistGradientBoostingClassifier
    model = estimator(categorical_features=places or None, random_state=_SEED)
    if problem == REGRESSION:
        return model.fit(inputs, labels).predict(other_inputs)
    model.fit(inputs, labels.astype(np.int64))
    return _probabilities(problem, classes, model.classes_, model.predict_proba(other_inputs))


def _with_others(categories: np.ndarray) -> np.ndarray:
    """Make missing and rare values a category, because trees do not split a column of one category and gaps."""
    return np.where(categories < 0, MOST_CATEGORIES, categories)


def _design(train: Table, others: Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear model's inputs, float64 [rows, n] each, without missing values and in similar scales."""
    mean, deviation = np.zeros(train.numbers.shape[1]), np.ones(train.numbers.shape[1])
    for place, column in enumerate(train.numbers.T):
        present = column[np.isfinite(column)]
        if len(present):
            mean[place], deviation[place] = present.mean(), present.std() or 1.0
    gaps = np.flatnonzero(~np.isfinite(train.numbers).all(axis=0))
    kinds = [np.unique(column[np.isfinite(column)]) for column in train.numbers[:, train.few].T]
    sizes = [int(column.max(initial=-1)) + 1 for column in train.categories.T]

    def design(rows: Table) -> np.ndarray:
        scores = np.nan_to_num((rows.numbers - mean) / deviation, nan=0.0, posinf=0.0, neginf=0.0)
        parts = [scores, ~np.isfinite(rows.numbers[:, gaps])]
        parts += [column[:, None] == known for column, known in zip(rows.numbers[:, train.few].T, kinds, strict=True)]
        parts += [column[:, None] == np.arange(size) for column, size in zip(rows.categories.T, sizes, strict=True)]
        return np.concatenate([part.astype(np.float64) for part in parts], axis=1)

    return design(train), design(others)


def _probabilities(problem: str, classes: int, known: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return a column for each class, 0 for a class without training rows; for two classes only the second."""
    every = np.zeros((len(found), classes))
    every[:, known] = found
    return every if problem == MULTICLASS else every[:, 1]


def sample_rows(rows: int, most: int) -> np.ndarray:
    """Return the positions of at most `most` rows, evenly spread, the same in each call.

    Example:
        >>> sample_rows(9, 3).tolist()
        [0, 4, 8]
    """
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


def take(frame: pd.DataFrame, chosen: np.ndarray) -> pd.DataFrame:
    """Return the rows at these positions."""
    return frame.iloc[chosen].reset_index(drop=True)
