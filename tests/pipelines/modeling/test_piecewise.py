"""Pieces of numbers: the edges, and how far a number reaches into each piece."""

import keras
import numpy as np
import pytest

from pipelines.modeling.piecewise import LEAST_WIDTH, encode_pieces, find_edges, hold


def encoded(numbers: list[float], edges: list[list[float]]) -> np.ndarray:
    taken = keras.Input((1,))
    model = keras.Model(taken, encode_pieces(taken, np.array(edges, np.float32)))
    return model.predict(np.array(numbers, np.float32)[:, None], verbose=0)


def test_a_number_fills_the_pieces_below_it() -> None:
    found = encoded([-9.0, 0.0, 0.5, 1.0, 3.0, 99.0], [[0.0, 1.0, 5.0]])
    np.testing.assert_allclose(found, [[0, 0], [0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1]])


def test_a_column_of_fewer_pieces_has_zeros_for_the_others() -> None:
    np.testing.assert_allclose(encoded([2.0], [[0.0, 1.0, np.inf]]), [[1, 0]])


def test_edges_are_quantiles_of_each_column() -> None:
    columns = np.stack([np.linspace(0, 1, 101), np.linspace(10, 30, 101)], axis=1).astype(np.float32)
    expected = [[0.001, 0.2505, 0.5, 0.7495, 0.999], [10.02, 15.01, 20, 24.99, 29.98]]
    np.testing.assert_allclose(find_edges(columns, 4), expected, rtol=1e-6)


def test_edges_are_never_so_near_that_rounding_counts() -> None:
    column = np.r_[np.zeros(90), np.full(5, LEAST_WIDTH / 2), np.linspace(1, 2, 5)].astype(np.float32)[:, None]
    (edges,) = find_edges(column, 20)
    kept = edges[np.isfinite(edges)]
    assert kept[0] == 0
    assert (np.diff(kept) >= LEAST_WIDTH).all()
    assert len(kept) < 5
    assert np.isinf(edges[len(kept) :]).all()


def test_a_constant_column_has_no_piece() -> None:
    edges = find_edges(np.zeros((9, 1), np.float32), 3)
    assert edges[0].tolist() == [0, np.inf, np.inf, np.inf]
    assert encoded([0.0, 7.0], edges.tolist()) == pytest.approx(np.zeros((2, 3)))


def test_numbers_beyond_the_edges_are_held_at_them_and_nan_stays() -> None:
    taken = keras.Input((3,))
    edges = np.array([[-1, 0, 2], [-1, 0, np.inf], [0, np.inf, np.inf]], np.float32)
    held = keras.Model(taken, hold(taken, edges)).predict(
        np.array([[-9, -9, -9], [0.5, -0.5, 0.5], [9, 9, 9], [np.nan, 0, 0]], np.float32), verbose=0
    )
    np.testing.assert_array_equal(
        held, [[-1, -1, -9], [0.5, -0.5, 0.5], [2, 0, 9], [np.nan, 0, 0]], "the third column has no piece"
    )


def test_one_huge_number_is_beyond_the_edges() -> None:
    column = np.r_[np.linspace(-1, 1, 2000), 90.0].astype(np.float32)[:, None]
    assert find_edges(column, 8)[0, -1] == pytest.approx(0.999, abs=0.002)
