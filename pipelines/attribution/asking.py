"""How predictions for mixed rows are asked for."""

from collections.abc import Callable

import numpy as np

# Takes positions in a table of rows, int64 [questions, columns]: of which row each column has its value. Returns
# predictions, float64 [questions, outputs].
Ask = Callable[[np.ndarray], np.ndarray]


def as_they_are(positions: np.ndarray, columns: int) -> np.ndarray:
    """Return the question for rows as they are, int64 [rows, columns].

    Args:
        positions: of the rows in the table, [rows].
        columns: how many there are.
    """
    return np.repeat(positions[:, None], columns, axis=1)
