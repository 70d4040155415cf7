"""Permutation importance of functions whose importances are known."""

import numpy as np
import pytest

from pipelines.attribution.importance import estimate_importance, permute_columns
from tests.pipelines.attribution.answers import ask_function


def permuted(table: np.ndarray, labels: np.ndarray, permutations: int = 5, seed: int = 1) -> object:
    return permute_columns(
        ask_function(table, lambda x: 2 * x[:, 0] + x[:, 1]),
        np.arange(len(table)),
        table.shape[1],
        lambda found: (found[:, 0] - labels) ** 2,
        permutations=permutations,
        seed=seed,
    )


def test_the_importance_of_a_linear_model_is_twice_the_variance_of_its_term() -> None:
    table = np.random.default_rng(2).normal(size=(4000, 3))
    found = estimate_importance(permuted(table, 2 * table[:, 0] + table[:, 1]))
    assert found.loss == 0
    assert found.rows == 4000
    np.testing.assert_allclose(found.value, [8, 2, 0], rtol=0.06)
    assert (found.low[:2] < [8, 2]).all()
    assert (found.high[:2] > [8, 2]).all()
    assert (found.value[2], found.low[2], found.high[2]) == (0, 0, 0), "what the model does not read has no importance"


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held, slice_held = 0, 0
    for seed in range(200):
        table = np.random.default_rng(seed).normal(size=(300, 2))
        losses = permuted(table, 2 * table[:, 0] + table[:, 1], permutations=3, seed=seed)
        found = estimate_importance(losses)
        held += found.low[0] <= 8 <= found.high[0]
        inside = table[:, 1] > 0
        of_slice = estimate_importance(losses, inside)
        slice_held += of_slice.low[0] <= 8 <= of_slice.high[0]
    assert 182 <= held <= 199, "190 is 95%"
    assert 182 <= slice_held <= 200


def test_a_slice_in_which_a_column_does_nothing() -> None:
    table = np.random.default_rng(4).normal(size=(2000, 2))
    inside = table[:, 1] > 0

    def function(x: np.ndarray) -> np.ndarray:
        return np.where(x[:, 1] > 0, 5.0, x[:, 0])

    losses = permute_columns(
        ask_function(table, function), np.arange(2000), 2, lambda found: (found[:, 0] - function(table)) ** 2,
        permutations=2,
    )  # fmt: skip
    within, without = estimate_importance(losses, inside), estimate_importance(losses, ~inside)
    assert (within.value[0], within.high[0]) == (0, 0)
    assert without.low[0] > 1
    assert within.rows + without.rows == 2000
    with pytest.raises(ValueError, match="expected 1 or more rows"):
        estimate_importance(losses, np.zeros(2000, dtype=bool))


def test_the_loss_that_rows_have_anyway_is_in_no_interval() -> None:
    generator = np.random.default_rng(6)
    table = generator.normal(size=(500, 3))
    found = estimate_importance(permuted(table, 2 * table[:, 0] + table[:, 1] + generator.normal(0, 5, 500)))
    assert found.loss > 20
    assert (found.value[2], found.low[2], found.high[2]) == (0, 0, 0)
