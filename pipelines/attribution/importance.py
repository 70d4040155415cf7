"""Measure permutation importance: how much the mean loss rises when a column's values are permuted among the rows.

Breiman 2001, "Random forests"; for any model Fisher, Rudin and Dominici 2019, "All models are wrong, but many are
useful". They show that the estimate is a U-statistic of pairs: a row, and the row that its value comes from. The
interval is that of a U-statistic (Hoeffding 1948): a row counts both for its own loss and for the losses that its
value causes in other rows. It covers the variation between samples of rows, for this model.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from pipelines.attribution.asking import Ask, as_they_are

_SEED = 20240501  # the same rows give the same importance
_Z = 1.96  # standard errors on either side of a 95% interval


@dataclasses.dataclass(frozen=True, kw_only=True)
class PermutedLosses:
    """Losses of the same rows, with each column permuted in turn."""

    unpermuted: np.ndarray  # float64 [rows]
    permuted: np.ndarray  # float64 [columns, permutations, rows]
    donors: np.ndarray  # int64 [permutations, rows]: the row that each row's value came from


@dataclasses.dataclass(frozen=True, kw_only=True)
class Importance:
    """Increase of the mean loss without each column's information, in the loss's unit."""

    value: np.ndarray  # float64 [columns]
    low: np.ndarray  # lower end of the 95% interval, float64 [columns]
    high: np.ndarray
    rows: int
    loss: float  # mean loss with no column permuted


def permute_columns(
    ask: Ask,
    rows: np.ndarray,
    columns: int,
    measure: Callable[[np.ndarray], np.ndarray],
    *,
    permutations: int,
    seed: int = _SEED,
) -> PermutedLosses:
    """Return the loss of each row with each column permuted among the rows, several times.

    Args:
        ask: Returns predictions.
        rows: Positions of the rows in the table, [rows].
        columns: Number of columns.
        measure: Predictions [rows, outputs] -> loss of each row, [rows].
        permutations: Number of permutations of each column, 1 or more.
        seed: Seed of the permutations.
    """
    generator = np.random.default_rng(seed)
    donors = np.array([generator.permutation(len(rows)) for _ in range(permutations)])
    unchanged = as_they_are(rows, columns)
    losses = np.empty((columns, permutations, len(rows)))
    for column in range(columns):
        for number, order in enumerate(donors):
            question = unchanged.copy()
            question[:, column] = rows[order]
            losses[column, number] = measure(ask(question))
    return PermutedLosses(unpermuted=measure(ask(unchanged)), permuted=losses, donors=donors)


def estimate_importance(losses: PermutedLosses, inside: np.ndarray | None = None) -> Importance:
    """Return the importance of each column, on all rows or on those of a slice.

    A slice's rows get values from all rows, not only from the slice.

    Args:
        losses: The losses of permute_columns.
        inside: The rows of the slice, bool [rows]; None for all rows.

    Raises:
        ValueError: The slice has no row.
    """
    rows = len(losses.unpermuted)
    counted = np.ones(rows, dtype=bool) if inside is None else inside
    count = int(counted.sum())
    if not count:
        raise ValueError("expected 1 or more rows to measure importance on, received none")
    each = losses.permuted - losses.unpermuted  # [columns, permutations, rows]
    rises = each.mean(axis=1)
    value = rises[:, counted].mean(axis=1)
    caused = np.zeros_like(rises)  # rise that each row's value causes in other rows
    for number, order in enumerate(losses.donors):
        caused[:, order] += np.where(counted, each[:, number], 0) * rows / (count * len(losses.donors))
    own = np.where(counted, rises - value[:, None], 0) * rows / count
    influence = own + caused - caused.mean(axis=1, keepdims=True)
    half = _Z * influence.std(axis=1) / np.sqrt(rows)
    loss = float(losses.unpermuted[counted].mean())
    return Importance(value=value, low=value - half, high=value + half, rows=count, loss=loss)
