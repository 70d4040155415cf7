"""Measure each column before its sides are compared: how large its numbers are, and which operations round them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from components.skew_gate.batch_path import BatchChunk
from components.skew_gate.bitwise import Arrays
from components.skew_gate.rounding import LARGEST_ROUNDING, Scale
from components.stacked_features import Parts, split_fitting

Operations = Mapping[str, tuple[str, ...]]  # output of a signature -> operations that round, upstream of it

# The scale is measured on at most this many rows, drawn at random. Its error is then below 1%, enough for the bounds.
_MEASURED_ROWS = 32_768
_SEED = 18  # the same rows every time
_ALL_WHOLE = 2.0**23  # from this size on, every float32 is a whole number
# Two steps of each coarser type: a single float32 step may decide to which of the coarser numbers a value is rounded.
_COARSE = {"half": 2.0**-9, "bfloat16": 2.0**-6}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """What is known of a feature, or of the predictions.

    Attributes:
        scale: how large its numbers are; None for integers and strings.
        operations: those that round, upstream of it in the exported model, the most likely first.
        whole: whether it is a float whose values are whole numbers, such as a one-hot code or tf.floor of a logarithm.
    """

    scale: Scale | None
    operations: tuple[str, ...] = ()
    whole: bool = False

    @property
    def has_edges(self) -> bool:
        """Whether rounding may move a value over an edge: a whole number or a string computed from rounded numbers."""
        return (self.scale is None or self.whole) and bool(self.operations)

    @property
    def largest_rounding(self) -> float:
        """The most that rounding moves a number, relative to its scale; 0 for whole numbers, which jump or stay."""
        if self.whole:
            return 0.0
        return max([LARGEST_ROUNDING, *(_COARSE[name] for name in self.operations if name in _COARSE)])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Columns:
    """The features and the predictions, measured over all rows."""

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
        """Measure the columns of one or more chunks.

        Args:
            chunks: all rows of the batch path.
            features: feature -> the operations that round it.
            predictions: the operations that round the predictions.
            parts: the stacked features.

        Returns:
            The measured columns.
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
        """Return the columns that a survey of all rows measured.

        The operations that round a stacked feature are taken to round each of its columns.

        Args:
            survey: has seen all rows.
            predict: the trained model: features -> predictions.
            features: feature -> the operations that round it.
            predictions: the operations that round the predictions.
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
    """Collects what `Columns` needs in one pass over all rows; memory does not grow with the rows.

    Attributes:
        parts: the stacked features; each of their columns is measured separately.
        kept: the features of up to _MEASURED_ROWS rows, drawn at random; of all rows, in order, if there are no more.
        whole: feature -> whether it is a float whose values are whole numbers in every row.
    """

    def __init__(self, parts: Parts | None = None) -> None:
        self.parts = parts or {}
        self.kept: Arrays = {}
        self.whole: dict[str, bool] = {}
        self._random = np.random.default_rng(_SEED)
        self._keys = np.zeros(0)

    def add(self, features: Arrays) -> None:
        """Add the features [rows, n] of the next rows."""
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
        """Return the scale of each feature; None for integers and strings."""
        return {name: Scale.measure(values) for name, values in split_fitting(self.kept, self.parts).items()}


def _are_whole(values: np.ndarray) -> bool:
    """Return whether floats are whole and small enough that float32 has fractions; NaN and infinity are left out."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and (np.abs(finite) < _ALL_WHOLE).all() and (finite == np.rint(finite)).all())
