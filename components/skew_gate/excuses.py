"""Decide which differences of predictions the rounding of features explains."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.skew_gate.comparison import Pair


@dataclasses.dataclass(frozen=True, kw_only=True)
class Excuses:
    """What may explain predictions that differ by more than their own rounding.

    A prediction is explained if it is within the bound of the trained model's prediction on the row's features in some
    layout. That two other values of the row agree would not be enough: a model server that adds a constant to every
    prediction would then be explained.

    Attributes:
        predictions: the trained model's predictions on the features of each layout, [rows, outputs] each.
        rounded: bool [rows]: whether a feature is rounded differently in another layout.
        moved: bool [rows]: whether a feature is at an edge.
    """

    predictions: Sequence[np.ndarray]
    rounded: np.ndarray
    moved: np.ndarray

    def pair(self, expected: np.ndarray, received: np.ndarray) -> Pair:
        """Return the expected and the received predictions of all rows as a pair with what may explain differences."""
        layouts = [(prediction, received) for prediction in self.predictions]
        return Pair(expected=expected, received=received, layouts=layouts, unsteady=self.rounded, jumps=self.moved)

    def of(self, rows: Sequence[int]) -> Self:
        """Return the same for some of the rows."""
        chosen = list(rows)
        predictions = [values[chosen] for values in self.predictions]
        return dataclasses.replace(
            self, predictions=predictions, rounded=self.rounded[chosen], moved=self.moved[chosen]
        )
