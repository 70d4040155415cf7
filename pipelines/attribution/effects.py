"""Measure how the prediction changes with one column, on average over rows.

For a number: accumulated local effects (Apley and Zhu 2020, "Visualizing the effects of predictor variables in black
box supervised learning models"). Each row's value is moved only to the ends of its bin, so no row gets an implausible
value, as it does in partial dependence. For a category, and for a missing value: the mean change if every row had that
value, which is partial dependence.

Both are 0 for the mean prediction of the unchanged rows, and so have the same scale.
"""

import dataclasses

import numpy as np

from pipelines.attribution.asking import Ask, as_they_are

_Z = 1.96  # standard errors on either side of a 95% interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class Effects:
    """Change of the prediction from its mean, in the prediction's unit, at some values of a column."""

    effect: np.ndarray  # float64 [values, outputs]
    low: np.ndarray  # lower end of the 95% interval over rows, same shape; it does not cover other trainings
    high: np.ndarray


def choose_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return edges of bins with equally many rows, float64 [at most bins + 1], ascending; each is a row's value.

    Args:
        values: Values of one or more rows, none missing, [rows].
        bins: Number of bins, at most; fewer if values repeat.

    Example:
        >>> choose_edges(np.array([1.0, 2, 2, 3, 4, 5, 9]), bins=3).tolist()
        [1.0, 2.0, 4.0, 9.0]
    """
    distinct = np.unique(values)
    if len(distinct) <= bins:
        return distinct
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1), method="lower"))


def accumulate_local_effects(
    ask: Ask, rows: np.ndarray, column: int, columns: int, values: np.ndarray, edges: np.ndarray, at_edges: np.ndarray
) -> Effects:
    """Return the accumulated local effects of a number, at each edge.

    Args:
        ask: Returns predictions.
        rows: Positions of rows that have a value, [rows].
        column: Position of the column.
        columns: Number of columns.
        values: Values of the column, [rows].
        edges: Two or more edges of choose_edges.
        at_edges: Positions in the table at which the column has the value of each edge, [edges].

    Raises:
        ValueError: There are fewer than two edges: the column does not vary.
    """
    if len(edges) < 2:
        raise ValueError(f"expected a column with 2 or more different values, received {len(edges)}")
    number = np.clip(np.searchsorted(edges, values, side="left"), 1, len(edges) - 1)  # of the bin's upper edge
    changes = _ask_with(ask, rows, column, columns, at_edges[number])
    changes = changes - _ask_with(ask, rows, column, columns, at_edges[number - 1])
    bins = [changes[number == upper] for upper in range(1, len(edges))]
    means = np.array([one.mean(axis=0) if len(one) else np.zeros(changes.shape[1]) for one in bins])
    # The effect at an edge is the sum of the bins below it. After centring it is still a weighted sum of bin means.
    summed = np.tril(np.ones((len(edges), len(bins))), -1)
    weights = summed - _share_rows(values, edges, number) @ summed
    return _with_interval(weights @ means, np.sqrt(weights**2 @ _measure_variances(bins)))


def average_by_value(ask: Ask, rows: np.ndarray, column: int, columns: int, at_values: np.ndarray) -> Effects:
    """Return for each value the mean change of the prediction if every row had that value.

    Args:
        ask: Returns predictions.
        rows: Positions of the rows, [rows].
        column: Position of the column.
        columns: Number of columns.
        at_values: Positions in the table at which the column has each value, or is missing, [values].
    """
    unchanged = ask(as_they_are(rows, columns))
    changes = [
        _ask_with(ask, rows, column, columns, np.full(len(rows), position)) - unchanged for position in at_values
    ]
    means = np.array([one.mean(axis=0) for one in changes]).reshape(len(at_values), unchanged.shape[1])
    errors = np.array([one.std(axis=0) / np.sqrt(len(rows)) for one in changes]).reshape(means.shape)
    return _with_interval(means, errors)


def _share_rows(values: np.ndarray, edges: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Return the share of rows at each edge, [edges]; a row between two edges counts for both, by its distance.

    The middles of the bins would give a wrong mean if many rows have the same value, such as 0.
    """
    lower, upper = edges[number - 1], edges[number]
    above = np.clip((values - lower) / (upper - lower), 0, 1)
    shares = np.bincount(number, above, len(edges)) + np.bincount(number - 1, 1 - above, len(edges))
    return shares / len(values)


def _measure_variances(bins: list[np.ndarray]) -> np.ndarray:
    """Return the variance of each bin's mean change, [bins, outputs]; a bin of one row has that within other bins."""
    several = [one for one in bins if len(one) > 1]
    freedom = sum(len(one) - 1 for one in several)
    outputs = bins[0].shape[1]
    within = sum((one.var(axis=0) * len(one) for one in several), np.zeros(outputs)) / max(freedom, 1)
    return np.array([one.var(axis=0, ddof=1) / len(one) if len(one) > 1 else within * len(one) for one in bins])


def _ask_with(ask: Ask, rows: np.ndarray, column: int, columns: int, positions: np.ndarray) -> np.ndarray:
    question = as_they_are(rows, columns)
    question[:, column] = positions
    return ask(question)


def _with_interval(effect: np.ndarray, errors: np.ndarray) -> Effects:
    return Effects(effect=effect, low=effect - _Z * errors, high=effect + _Z * errors)
