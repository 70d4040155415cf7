"""Effects of functions that are known."""

import numpy as np
import pytest

from pipelines.attribution.effects import accumulate_local_effects, average_by_value, choose_edges
from tests.pipelines.attribution.answers import ask_function

GENERATOR = np.random.default_rng(5)


def accumulated(x: np.ndarray, function: object, bins: int = 20) -> tuple[np.ndarray, object]:
    edges = choose_edges(x[:, 0], bins)
    added = np.repeat(x[:1], len(edges), axis=0)
    added[:, 0] = edges
    ask = ask_function(np.concatenate([x, added]), function)  # type: ignore[arg-type]
    at_edges = len(x) + np.arange(len(edges))
    return edges, accumulate_local_effects(ask, np.arange(len(x)), 0, x.shape[1], x[:, 0], edges, at_edges)


def test_the_effect_of_a_term_is_the_term_less_its_mean() -> None:
    x = GENERATOR.normal(size=(2000, 2))
    edges, found = accumulated(x, lambda x: x[:, 0] ** 2 + 10 * x[:, 1], bins=200)
    inside = np.abs(edges) < 2
    np.testing.assert_allclose(found.effect[inside, 0], edges[inside] ** 2 - 1, atol=0.12)
    assert (found.low[:, 0] <= found.effect[:, 0]).all()
    assert (found.high - found.low).max() < 0.01, "the other term takes no part"


def test_rows_never_get_a_value_far_from_their_own() -> None:
    """Partial dependence would see x0 - x1 far from 0, where this function is steep."""
    x = GENERATOR.normal(size=(2000, 1)) @ np.ones((1, 2))
    edges, found = accumulated(x, lambda x: x[:, 0] + 1000 * (np.abs(x[:, 0] - x[:, 1]) > 3.5))
    np.testing.assert_allclose(found.effect[:, 0], edges - x[:, 0].mean(), atol=0.1)


def test_an_interaction_widens_the_interval_to_hold_the_truth() -> None:
    held = 0
    for seed in range(100):
        x = np.random.default_rng(seed).normal(size=(400, 2))
        edges, found = accumulated(x, lambda x: x[:, 0] * (1 + x[:, 1]), bins=10)
        middle = len(edges) // 2
        rise = found.effect[-2, 0] - found.effect[middle, 0]
        held += abs(rise - (edges[-2] - edges[middle])) < 0.5
        assert (found.high[-2] - found.low[-2])[0] > 0.05
    assert held > 90


def test_a_value_that_is_repeated_and_one_that_never_changes() -> None:
    assert choose_edges(np.array([1.0, 1, 1, 1, 2, 5]), 4).tolist() == [1, 2, 5]
    with pytest.raises(ValueError, match="expected a column with 2 or more different values, received 1"):
        accumulated(np.ones((5, 1)), lambda x: x[:, 0])


@pytest.mark.parametrize("values", [[0.0] * 90 + [1.0] * 10, [0.0] * 60 + list(range(1, 41)), [5.0] * 50 + [0.0] * 50])
def test_rows_as_they_are_have_no_effect_on_average_where_many_share_a_value(values: list[float]) -> None:
    x = np.stack([np.array(values), GENERATOR.normal(size=100)], axis=1)
    edges, found = accumulated(x, lambda x: 3 * x[:, 0] + x[:, 1], bins=10)
    np.testing.assert_allclose(found.effect[:, 0], 3 * (edges - x[:, 0].mean()), atol=1e-9)


def test_one_row_in_a_bin_does_not_make_it_certain() -> None:
    generator = np.random.default_rng(2)
    x = np.stack([np.array([1.0] * 50 + [2.0] * 50 + [3.0]), generator.normal(size=101)], axis=1)
    _, found = accumulated(x, lambda x: x[:, 0] * (1 + x[:, 1]))
    assert np.diff(found.effect[:, 0])[1] == pytest.approx(1 + x[-1, 1])
    assert found.high[-1] - found.low[-1] > 3, "the last step is of one row, and rows differ by 1"


def test_a_category_by_its_values() -> None:
    x = np.stack([np.arange(300) % 3, GENERATOR.normal(size=300)], axis=1)
    values = np.array([0.0, 1, 2])
    table = np.concatenate([x, np.stack([values, np.zeros(3)], axis=1)])
    ask = ask_function(table, lambda x: np.stack([3 * x[:, 0], x[:, 0] * x[:, 1]], axis=1))
    found = average_by_value(ask, np.arange(300), 0, 2, np.array([300, 301, 302]))
    np.testing.assert_allclose(found.effect[:, 0], [-3, 0, 3])
    other = x[:, 1]
    np.testing.assert_allclose(found.effect[2, 1], ((2 - x[:, 0]) * other).mean())
    half = 1.96 * ((2 - x[:, 0]) * other).std() / np.sqrt(300)
    np.testing.assert_allclose(found.high[2, 1] - found.effect[2, 1], half)
