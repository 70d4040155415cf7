"""Pieces of numbers: the edges, and how far a number reaches into each piece."""

import keras
import numpy as np
import pytest

from pipelines.modeling.piecewise import LEAST_WIDTH, encode_pieces, find_edges


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
    np.testing.assert_allclose(find_edges(columns, 4), [[0, 0.25, 0.5, 0.75, 1], [10, 15, 20, 25, 30]], rtol=1e-6)


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
