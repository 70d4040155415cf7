"""What excuses predictions that differ."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.skew_gate.comparison import Pair


@dataclasses.dataclass(frozen=True, kw_only=True)
class Excuses:
    """What excuses predictions that differ by more than their own rounding.

    What a row received has to be what the trained model makes of the row's features in some layout. Whether two other
    values of the row agree says nothing about it: a model server that adds to every prediction would be excused.

    Attributes:
        predictions: [rows, outputs] each, of the trained model on the features of every layout.
        rounded: bool [rows]: a feature is rounded otherwise in other layouts.
        moved: bool [rows]: a feature is at an edge.
    """

    predictions: Sequence[np.ndarray]
    rounded: np.ndarray
    moved: np.ndarray

    def pair(self, expected: np.ndarray, received: np.ndarray) -> Pair:
        """Pairs the predictions of all rows."""
        layouts = [(prediction, received) for prediction in self.predictions]
        return Pair(expected=expected, received=received, layouts=layouts, unsteady=self.rounded, jumps=self.moved)

    def of(self, rows: Sequence[int]) -> Self:
        """Returns the excuses of some of the rows."""
        chosen = list(rows)
        predictions = [values[chosen] for values in self.predictions]
        return dataclasses.replace(
            self, predictions=predictions, rounded=self.rounded[chosen], moved=self.moved[chosen]
        )
