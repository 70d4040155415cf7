"""Encode numbers piecewise linearly, so that a network can learn a bend at each quantile, as trees learn a step.

The encoding is that of Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
Learning", 2022, arXiv:2203.05556, section 3.2, except that values beyond the outermost edges are clipped to them.
A network extrapolates linearly where trees do not: without the clipping, one trip of 20 hours gets a fare of $230.
"""

import keras
import numpy as np

# Smallest width of a piece, in standard deviations. In a narrower piece the rounding differences between training and
# serving would change the prediction.
LEAST_WIDTH = 0.02
_BEYOND = 0.001  # share of the rows below the lowest edge, and of those above the highest


def find_edges(numbers: np.ndarray, pieces: int) -> np.ndarray:
    """Return the edges of each column's pieces: quantiles from 0.001 to 0.999, at least LEAST_WIDTH apart.

    Args:
        numbers: standardised, float32 [rows, columns].
        pieces: most pieces of a column.

    Returns:
        float32 [columns, pieces + 1]; in a column with fewer pieces the last edges are infinite.
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
    """Return how much of each piece lies below the number, 0 to 1: [batch, columns] -> [batch, columns * pieces].

    Args:
        numbers: standardised, float32.
        edges: as find_edges returned them.
    """
    low, high = edges[:, :-1], edges[:, 1:]
    there = np.isfinite(high)
    starts = np.where(there, low, 0).astype(np.float32)
    slopes = np.zeros_like(low)
    slopes[there] = 1 / (high[there] - low[there])
    filled = (keras.ops.expand_dims(numbers, -1) - keras.ops.array(starts)) * keras.ops.array(slopes)
    return keras.ops.reshape(keras.ops.clip(filled, 0.0, 1.0), (-1, edges.shape[0] * (edges.shape[1] - 1)))


def hold(numbers: keras.KerasTensor, edges: np.ndarray) -> keras.KerasTensor:
    """Return numbers clipped to the outermost edges, float32 [batch, columns]; columns without a piece are unchanged.

    Args:
        numbers: standardised, float32 [batch, columns]. NaN stays NaN.
        edges: as find_edges returned them.
    """
    there = np.isfinite(edges)
    has_piece = there.sum(axis=1) > 1
    low = np.where(has_piece, edges[:, 0], -np.inf).astype(np.float32)
    high = np.where(has_piece, np.where(there, edges, -np.inf).max(axis=1), np.inf).astype(np.float32)
    held = keras.ops.minimum(keras.ops.maximum(numbers, keras.ops.array(low)), keras.ops.array(high))
    # On some processors the maximum of NaN and a number is the number, and NaN must reach the prediction.
    return keras.ops.where(keras.ops.isnan(numbers), numbers, held)
