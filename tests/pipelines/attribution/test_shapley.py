"""Contributions against functions whose Shapley values are known."""

import numpy as np
import pytest

from pipelines.attribution.shapley import sample_shapley_values
from tests.pipelines.attribution.answers import ask_function

GENERATOR = np.random.default_rng(3)
BACKGROUND, EXPLAINED = GENERATOR.normal(size=(40, 4)), GENERATOR.normal(size=(3, 4))
TABLE = np.concatenate([EXPLAINED, BACKGROUND])
ROWS, BEHIND = np.arange(3), np.arange(3, 43)


def test_a_sum_of_functions_gives_each_column_its_own_part_exactly() -> None:
    parts = np.stack([2 * TABLE[:, 0], np.sin(TABLE[:, 1]), np.abs(TABLE[:, 2]), np.zeros(len(TABLE))], axis=1)
    found = sample_shapley_values(ask_function(TABLE, _additive), ROWS, BEHIND, 4)
    np.testing.assert_allclose(found.contributions[:, :, 0], parts[ROWS] - parts[BEHIND].mean(axis=0), atol=1e-12)
    assert (found.contributions[:, 3] == 0).all()
    assert (found.errors[:, 3] == 0).all()
    expected = parts[BEHIND, :3].std(axis=0, ddof=1) / np.sqrt(len(BEHIND))
    np.testing.assert_allclose(found.errors[:, :3, 0], np.tile(expected, (3, 1)), atol=1e-12)


def test_two_columns_that_interact_share_what_they_do_together() -> None:
    found = sample_shapley_values(
        ask_function(TABLE[:, :2], lambda x: x[:, 0] * x[:, 1]), ROWS, BEHIND, 2
    )  # Two orders are all that there are, and each is taken.
    x, z = EXPLAINED[:, None, :2], BACKGROUND[None, :, :2]
    alone, last = x[..., 0] * z[..., 1] - z[..., 0] * z[..., 1], x[..., 0] * x[..., 1] - z[..., 0] * x[..., 1]
    np.testing.assert_allclose(found.contributions[:, 0, 0], ((alone + last) / 2).mean(axis=1), atol=1e-12)


def test_sampled_orders_come_close_to_all_orders() -> None:
    found = sample_shapley_values(ask_function(TABLE, _interacting), ROWS, BEHIND, 4, orders=60)
    exact = _exact_shapley_values(_interacting)
    orders_error = np.abs(found.contributions[:, :, 0] - exact)
    assert orders_error.max() < 0.02, "the standard errors are about 0.2: they count the background's variance, too"
    assert np.abs(exact).max() > 0.5


@pytest.mark.parametrize("orders", [1, 3])
def test_contributions_add_up_to_the_prediction_minus_the_base(orders: int) -> None:
    def both(x: np.ndarray) -> np.ndarray:
        return np.stack([_interacting(x), np.exp(x.sum(axis=1))], axis=1)

    found = sample_shapley_values(ask_function(TABLE, both), ROWS, BEHIND, 4, orders=orders)
    np.testing.assert_allclose(found.base, both(BACKGROUND).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.predictions, both(EXPLAINED), rtol=1e-12)
    np.testing.assert_allclose(found.base + found.contributions.sum(axis=1), found.predictions, rtol=1e-10)


def test_a_row_has_the_same_contributions_whatever_rows_are_beside_it() -> None:
    ask = ask_function(TABLE, _interacting)
    together = sample_shapley_values(ask, ROWS, BEHIND, 4).contributions
    np.testing.assert_array_equal(together[2:], sample_shapley_values(ask, ROWS[2:], BEHIND, 4).contributions)


def test_standard_errors_are_those_of_other_backgrounds() -> None:
    many = np.random.default_rng(8).normal(size=(300, 30, 4))
    one = EXPLAINED[:1]
    found = [
        sample_shapley_values(
            ask_function(np.concatenate([one, behind]), _interacting), np.arange(1), np.arange(1, 31), 4, seed=number
        )
        for number, behind in enumerate(many)
    ]
    spread = np.std([each.contributions[0, :, 0] for each in found], axis=0)
    said = np.mean([each.errors[0, :, 0] for each in found], axis=0)
    np.testing.assert_allclose(said, spread, rtol=0.15)


def test_one_column_and_one_background_row() -> None:
    found = sample_shapley_values(ask_function(TABLE[:, :1], lambda x: x[:, 0] ** 2), ROWS[:1], BEHIND[:1], 1)
    assert found.contributions.shape == (1, 1, 1)
    assert found.contributions[0, 0, 0] == pytest.approx(TABLE[0, 0] ** 2 - TABLE[3, 0] ** 2)
    assert np.isnan(found.errors).all()


def test_without_a_background_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(
        ValueError, match=r"^expected 1 or more background rows, columns and orders, received 0, 4 and 1"
    ):
        sample_shapley_values(ask_function(TABLE, _additive), ROWS, BEHIND[:0], 4)


def _additive(x: np.ndarray) -> np.ndarray:
    return 2 * x[:, 0] + np.sin(x[:, 1]) + np.abs(x[:, 2])


def _interacting(x: np.ndarray) -> np.ndarray:
    return x[:, 0] * x[:, 1] + x[:, 2] * (x[:, 3] > 0)


def _exact_shapley_values(function: object) -> np.ndarray:
    """By the definition: every set of columns, with its weight."""
    sets = np.array([[mask >> column & 1 for column in range(4)] for mask in range(16)], dtype=bool)
    values = np.array(
        [
            [function(np.where(one, row, BACKGROUND)).mean() for one in sets]  # type: ignore[operator]
            for row in EXPLAINED
        ]
    )
    weights = {0: 1 / 4, 1: 1 / 12, 2: 1 / 12, 3: 1 / 4}
    found = np.zeros((3, 4))
    for column in range(4):
        for mask, one in enumerate(sets):
            if not one[column]:
                found[:, column] += weights[int(one.sum())] * (values[:, mask | 1 << column] - values[:, mask])
    return found
