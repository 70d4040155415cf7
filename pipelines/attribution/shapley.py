"""Estimate contributions of columns to single predictions: Shapley values from sampled orders.

The value of a set of columns is the mean prediction with those columns taken from the explained row and the others from
background rows. A column's Shapley value is the mean change when it is added, over all orders (Shapley 1953;
for predictions Štrumbelj and Kononenko 2014, "Explaining prediction models and individual predictions with feature
contributions"). The orders are sampled (Castro, Gómez and Tejada 2009, "Polynomial calculation of the Shapley value
based on sampling"). Each sampled order is also taken in reverse, which lowers the variance (Mitchell et al. 2022,
"Sampling permutations for Shapley value estimation").

Every background row starts equally many orders, and along an order the changes add up to f(row) minus f(background
row). So the contributions add up to f(row) minus the mean prediction of the background, for any number of orders.
"""

import dataclasses

import numpy as np

from pipelines.attribution.asking import Ask, as_they_are

_SEED = 20240501  # the same rows give the same contributions


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShapleyValues:
    """Contributions to the predictions of some rows."""

    contributions: np.ndarray  # float64 [rows, columns, outputs], in the prediction's unit
    errors: np.ndarray  # standard errors of the contributions, same shape; NaN with only one background row
    base: np.ndarray  # mean prediction of the background rows, float64 [outputs]
    predictions: np.ndarray  # of the rows, float64 [rows, outputs]


def sample_shapley_values(
    ask: Ask, rows: np.ndarray, background: np.ndarray, columns: int, *, orders: int = 1, seed: int = _SEED
) -> ShapleyValues:
    """Return the estimated contribution of each column to the prediction of each row.

    Args:
        ask: Returns predictions.
        rows: Positions of the explained rows in the table, [rows].
        background: Positions of the background rows, [background].
        columns: Number of columns, 1 or more.
        orders: Orders to sample for each background row; each is also taken in reverse.
        seed: Seed of the orders.

    Raises:
        ValueError: There is no background row, no column, or no order.
    """
    if not len(background) or columns < 1 or orders < 1:
        raise ValueError(
            "expected 1 or more background rows, columns and orders, received "
            f"{len(background)}, {columns} and {orders}"
        )
    generator = np.random.default_rng(seed)
    from_background = ask(as_they_are(background, columns))
    predictions = ask(as_they_are(rows, columns))
    drawn = _draw_orders(generator, background, columns, orders)  # the same for every row, whatever the other rows are
    changes = [
        _walk(ask, row, prediction, background, from_background, drawn)
        for row, prediction in zip(rows, predictions, strict=True)
    ]
    found = np.array(changes).reshape(len(rows), len(background), columns, from_background.shape[1])
    several = len(background) > 1
    spread = found.std(axis=1, ddof=1) / np.sqrt(len(background)) if several else np.full(found[:, 0].shape, np.nan)
    return ShapleyValues(
        contributions=found.mean(axis=1), errors=spread, base=from_background.mean(axis=0), predictions=predictions
    )


def _draw_orders(generator: np.random.Generator, background: np.ndarray, columns: int, orders: int) -> np.ndarray:
    """Draw orders of the columns, each also in reverse: int64 [background, 2 * orders, columns]."""
    drawn = generator.permuted(np.tile(np.arange(columns), (len(background), orders, 1)), axis=2)
    return np.concatenate([drawn, drawn[:, :, ::-1]], axis=1)


def _walk(
    ask: Ask, row: int, prediction: np.ndarray, background: np.ndarray, from_background: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    """Return the change by each column, averaged over the orders: float64 [background, columns, outputs]."""
    starts, walks, columns = orders.shape
    place = np.argsort(orders, axis=2)  # step at which each column's value is taken from the explained row
    steps = np.arange(1, columns)  # columns taken so far; before the first and after the last the prediction is known
    taken = place[:, :, None, :] < steps[:, None]
    questions = np.where(taken, row, background[:, None, None, None])
    outputs = len(prediction)
    between = ask(questions.reshape(-1, columns)).reshape(starts, walks, columns - 1, outputs)
    first = np.broadcast_to(from_background[:, None, None], (starts, walks, 1, outputs))
    last = np.broadcast_to(prediction, (starts, walks, 1, outputs))
    changes = np.diff(np.concatenate([first, between, last], axis=2), axis=2)  # in the order of the walk
    return np.take_along_axis(changes, place[..., None], axis=2).mean(axis=1)
