"""What is known of each column before its sides are compared: how large its numbers are, and what rounds them."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.rounding import LARGEST_ROUNDING, Scale

Operations = Mapping[str, tuple[str, ...]]  # output of a signature -> operations that round, upstream of it

_ALL_WHOLE = 2.0**23  # from here on, float32 has whole numbers alone
# Two steps of a coarser type: one of float32 may decide to which of its numbers a value is rounded.
_COARSE = {"half": 2.0**-9, "bfloat16": 2.0**-6}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """A feature, or the predictions.

    Attributes:
        scale: None for integers and strings.
        operations: that round, upstream of it in the exported model; the likeliest first.
        whole: whether it is a float whose values are whole numbers: one of a one-hot code, or tf.floor of a logarithm.
    """

    scale: Scale | None
    operations: tuple[str, ...] = ()
    whole: bool = False

    @property
    def has_edges(self) -> bool:
        """Whether rounding may push a value over an edge: it is a whole number or a string, made of rounded numbers."""
        return (self.scale is None or self.whole) and bool(self.operations)

    @property
    def largest_rounding(self) -> float:
        """What rounding moves a number by, at most; relative to its scale. A whole number jumps."""
        if self.whole:
            return 0.0
        return max([LARGEST_ROUNDING, *(_COARSE[name] for name in self.operations if name in _COARSE)])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Columns:
    """All columns, over all rows."""

    features: dict[str, Column]
    predictions: Column

    @classmethod
    def measure(cls, chunks: Sequence[BatchChunk], features: Operations, predictions: Sequence[str]) -> Self:
        """Measures the batch path's chunks of rows, one or more.

        Args:
            chunks: all rows.
            features: by feature, the operations that round.
            predictions: the operations that round upstream of the predictions.
        """
        first = chunks[0]
        known = {
            name: _measure([chunk.features[name] for chunk in chunks], features.get(name, ()))
            for name in first.features
        }
        largest = max(first.predictions)
        answers = np.concatenate([chunk.predictions[largest] for chunk in chunks])
        scale = Scale.measure(answers)
        return cls(
            features=known,
            predictions=Column(
                scale=scale.of_predictions(answers) if scale is not None else None, operations=tuple(predictions)
            ),
        )


def _measure(chunks: Sequence[np.ndarray], operations: tuple[str, ...]) -> Column:
    scale = Scale.measure(*chunks)
    whole = scale is not None and all(_are_whole(values) for values in chunks)
    return Column(scale=scale, operations=operations, whole=whole)


def _are_whole(values: np.ndarray) -> bool:
    """Whether floats are whole numbers where float32 has others, too; NaN and infinity are left out."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (np.abs(finite) < _ALL_WHOLE).all() and (finite == np.rint(finite)).all())
