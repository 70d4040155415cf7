"""A plain function of numbers, asked as a model is."""

from collections.abc import Callable

import numpy as np

from pipelines.attribution.asking import Ask


def ask_function(table: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> Ask:
    """Answers questions about rows of a table, [rows, columns], with a function of [questions, columns]."""

    def ask(positions: np.ndarray) -> np.ndarray:
        found = function(table[positions, np.arange(table.shape[1])])
        return found[:, None] if found.ndim == 1 else found

    return ask
