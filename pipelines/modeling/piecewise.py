"""Numbers as pieces: a network learns a bend at each quantile, as trees learn a step.

Piecewise linear encoding after Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
Learning", 2022, arXiv:2203.05556, section 3.2, but that values beyond the outermost edges are held at them: the linear
part of a model sees the number itself.
"""

import keras
import numpy as np

# A piece of a standardised number is this wide at least. In a narrower one a difference of rounding between training
# and serving would be a difference of the prediction.
LEAST_WIDTH = 0.02


def find_edges(numbers: np.ndarray, pieces: int) -> np.ndarray:
    """Find the edges of each column's pieces: quantiles, as far apart as LEAST_WIDTH.

    Args:
        numbers: standardised, float32 [rows, columns].
        pieces: of a column at most.

    Returns:
        float32 [columns, pieces + 1]; columns with fewer pieces end with edges at infinity.
    """
    edges = np.full((numbers.shape[1], pieces + 1), np.inf, np.float32)
    for place, column in enumerate(numbers.T):
        kept: list[float] = []
        for edge in np.quantile(column[np.isfinite(column)].astype(np.float64), np.arange(pieces + 1) / pieces):
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
