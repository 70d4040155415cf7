"""Define how predictions are requested for rows whose values come from several rows of a table."""

from collections.abc import Callable

import numpy as np

# Takes positions in a table of rows, int64 [questions, columns]: the row from which each column's value comes. Returns
# predictions, float64 [questions, outputs].
Ask = Callable[[np.ndarray], np.ndarray]


def as_they_are(positions: np.ndarray, columns: int) -> np.ndarray:
    """Return the question for unmixed rows, int64 [rows, columns].

    Args:
        positions: Positions of the rows in the table, [rows].
        columns: Number of columns.

    Example:
        >>> as_they_are(np.array([4, 7]), columns=3).tolist()
        [[4, 4, 4], [7, 7, 7]]
    """
    return np.repeat(positions[:, None], columns, axis=1)
