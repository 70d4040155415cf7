"""Numbers as pieces: a network learns a bend at each quantile, as trees learn a step.

Piecewise linear encoding after Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
Learning", 2022, arXiv:2203.05556, section 3.2, but that values beyond the outermost edges are held at them. A network
goes on in a straight line beyond what it has seen, where trees stop: one trip of 20 hours becomes a fare of $230.
"""

import keras
import numpy as np

# A piece of a standardised number is this wide at least. In a narrower one a difference of rounding between training
# and serving would be a difference of the prediction.
LEAST_WIDTH = 0.02
_BEYOND = 0.001  # share of the rows on either side that the outermost edges leave out


def find_edges(numbers: np.ndarray, pieces: int) -> np.ndarray:
    """Find the edges of each column's pieces: quantiles from the lowest thousandth on, as far apart as LEAST_WIDTH.

    Args:
        numbers: standardised, float32 [rows, columns].
        pieces: of a column at most.

    Returns:
        float32 [columns, pieces + 1]; columns with fewer pieces end with edges at infinity.
    """
    shares = np.linspace(_BEYOND, 1 - _BEYOND, pieces + 1)
    edges = np.full((numbers.shape[1], pieces + 1), np.inf, np.float32)
    for place, column in enumerate(numbers.T):
        kept: list[float] = []
        for edge in np.quantile(column[np.isfinite(column)].astype(np.float64), shares):
            if not kept or edge - kept[-1] >= LEAST_WIDTH:
                kept.append(float(edge))
        edges[place, : len(kept)] = kept
    return edges


def encode_pieces(numbers: keras.KerasTensor, edges: np.ndarray) -> keras.KerasTensor:
    """Encode each number as how far it reaches into each piece, 0 to 1: [batch, columns] -> [batch, columns * pieces].

    Args:
        numbers: standardised, float32.
        edges: of find_edges.
    """
    low, high = edges[:, :-1], edges[:, 1:]
    there = np.isfinite(high)
    starts = np.where(there, low, 0).astype(np.float32)
    slopes = np.zeros_like(low)
    slopes[there] = 1 / (high[there] - low[there])
    reached = (keras.ops.expand_dims(numbers, -1) - keras.ops.array(starts)) * keras.ops.array(slopes)
    return keras.ops.reshape(keras.ops.clip(reached, 0.0, 1.0), (-1, edges.shape[0] * (edges.shape[1] - 1)))


def hold(numbers: keras.KerasTensor, edges: np.ndarray) -> keras.KerasTensor:
    """Hold numbers beyond the outermost edges at them, float32 [batch, columns]; a column without a piece stays.

    Args:
        numbers: standardised, float32 [batch, columns]. NaN stays NaN.
        edges: of find_edges.
    """
    there = np.isfinite(edges)
    has_piece = there.sum(axis=1) > 1
    low = np.where(has_piece, edges[:, 0], -np.inf).astype(np.float32)
    high = np.where(has_piece, np.where(there, edges, -np.inf).max(axis=1), np.inf).astype(np.float32)
    held = keras.ops.minimum(keras.ops.maximum(numbers, keras.ops.array(low)), keras.ops.array(high))
    # The larger of NaN and a number is the number on some processors, and a NaN has to reach the prediction.
    return keras.ops.where(keras.ops.isnan(numbers), numbers, held)
