"""What is known of each column before its sides are compared: how large its numbers are, and what rounds them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.rounding import LARGEST_ROUNDING, Scale
from components.stacked_features import Parts, split_fitting

Operations = Mapping[str, tuple[str, ...]]  # output of a signature -> operations that round, upstream of it

# The scale is measured on so many rows at most, drawn at random: it is then off by less than 1%, and bounds are rough.
_MEASURED_ROWS = 32_768
_SEED = 18  # the same rows every time
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
    def measure(
        cls,
        chunks: Sequence[BatchChunk],
        features: Operations,
        predictions: Sequence[str],
        parts: Parts | None = None,
    ) -> Self:
        """Measures the batch path's chunks of rows, one or more.

        Args:
            chunks: all rows.
            features: by feature, the operations that round.
            predictions: the operations that round upstream of the predictions.
            parts: the stacked features.
        """
        survey = ColumnSurvey(parts)
        for chunk in chunks:
            survey.add(chunk.features)
        largest = max(chunks[0].predictions)
        answers = np.concatenate([chunk.predictions[largest] for chunk in chunks])
        return cls.of_survey(survey, lambda _: answers, features, predictions)

    @classmethod
    def of_survey(
        cls,
        survey: "ColumnSurvey",
        predict: Callable[[Arrays], np.ndarray],
        features: Operations,
        predictions: Sequence[str],
    ) -> Self:
        """Takes what a survey of all rows found; `predict` is the trained model.

        What rounds a stacked feature may round each of its columns.
        """
        stacks = {part: stack for stack, names in survey.parts.items() for part in names}
        known = {
            name: Column(scale=scale, operations=features.get(stacks.get(name, name), ()), whole=survey.whole[name])
            for name, scale in survey.scales().items()
        }
        answers = predict(survey.kept)
        scale = Scale.measure(answers)
        return cls(
            features=known,
            predictions=Column(
                scale=scale.of_predictions(answers) if scale is not None else None, operations=tuple(predictions)
            ),
        )


class ColumnSurvey:
    """Sees the features of every row once; memory does not grow with the rows.

    Attributes:
        parts: the stacked features; each of their columns is measured by itself.
        kept: the features of up to _MEASURED_ROWS rows, drawn at random; all, in their order, where there are no more.
        whole: feature -> whether it is a float whose values are whole numbers, in every row.
    """

    def __init__(self, parts: Parts | None = None) -> None:
        self.parts = parts or {}
        self.kept: Arrays = {}
        self.whole: dict[str, bool] = {}
        self._random = np.random.default_rng(_SEED)
        self._keys = np.zeros(0)

    def add(self, features: Arrays) -> None:
        """Takes the features [rows, n] of the next rows."""
        for name, values in split_fitting(features, self.parts).items():
            self.whole[name] = self.whole.get(name, True) and values.dtype.kind == "f" and _are_whole(values)
        rows = len(next(iter(features.values()), ()))
        self._keys = np.concatenate([self._keys, self._random.random(rows)])
        if self.kept:
            features = {name: np.concatenate([values, features[name]]) for name, values in self.kept.items()}
        if len(self._keys) > _MEASURED_ROWS:
            chosen = np.sort(np.argpartition(self._keys, _MEASURED_ROWS)[:_MEASURED_ROWS])
            self._keys = self._keys[chosen]
            features = {name: values[chosen] for name, values in features.items()}
        self.kept = features

    def scales(self) -> dict[str, Scale | None]:
        """Measures each feature; None for integers and strings."""
        return {name: Scale.measure(values) for name, values in split_fitting(self.kept, self.parts).items()}


def _are_whole(values: np.ndarray) -> bool:
    """Whether floats are whole numbers where float32 has others, too; NaN and infinity are left out."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (np.abs(finite) < _ALL_WHOLE).all() and (finite == np.rint(finite)).all())
