"""Compute the sums of TFMA's combiners by batch instead of by row.

Each class replaces the accumulation of one of TFMA's combiners: it computes what a batch adds to which bucket, and
passes the totals of a slice to that combiner's own `extract_output`. Formulas and data types are TFMA's, so results
differ only by the order of float64 additions. The classes read private modules and attributes of TFMA;
tests/components/evaluator checks them with both supported sets of versions.
"""

import dataclasses
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.contrib.aggregates import binary_confusion_matrices as confusion
from tensorflow_model_analysis.metrics import calibration_histogram, mean_regression_error, metric_types

from components.evaluator.inputs import Batch, Conversion

Metrics = dict[Any, Any]  # TFMA's keys and values


@dataclasses.dataclass(frozen=True)
class Addends:
    """The numbers that a batch adds to the sums."""

    rows: np.ndarray  # int64 [addends]: position of the row in the batch, ascending
    buckets: np.ndarray  # int64 [addends], below `Sums.buckets`
    values: np.ndarray  # float64 [addends, Sums.width]


class Sums(ABC):
    """One of TFMA's combiners, computed by column instead of by row."""

    width: int  # numbers per bucket
    buckets = 1

    def __init__(self, combiner: Any):
        """Wrap one of TFMA's combiners."""
        self.combiner = combiner

    def setup(self) -> None:  # noqa: B027 - most have nothing to set up
        """Set up a worker."""

    @abstractmethod
    def addends(self, batch: Batch) -> Addends:
        """Compute the numbers that a batch adds to the sums.

        Raises:
            ValueError: TFMA cannot pair the labels, predictions and weights.
        """

    @abstractmethod
    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Compute TFMA's result for one slice.

        Args:
            buckets: int64 [buckets], ascending; empty buckets are left out.
            totals: float64 [buckets, width].
        """

    def _conversion(self, key: Any, **differing: Any) -> Conversion:
        """Return the conversion of labels and predictions that TFMA's combiner asks for."""
        return Conversion(
            model_name=key.model_name or "",
            output_name=key.output_name or "",
            sub_key=key.sub_key,
            aggregation_type=self.combiner._aggregation_type,
            class_weights=tuple(sorted((self.combiner._class_weights or {}).items())),
            example_weighted=self.combiner._example_weighted,
            **differing,
        )


class HistogramSums(Sums):
    """Sums of labels, predictions and weights by bucket of the prediction or label: for AUC, confusion, calibration."""

    width = 3

    def __init__(self, combiner: Any):
        """Wrap a calibration_histogram._CalibrationHistogramCombiner."""
        super().__init__(combiner)
        self.buckets = combiner._num_buckets + 2  # one below the range, one above it
        self._how = self._conversion(combiner._key, fractional_labels=combiner._fractional_labels)

    def addends(self, batch: Batch) -> Addends:
        """Compute the bucket of each pair.

        Args:
            batch: of extracts.

        Returns:
            The weighted label, the weighted prediction and the weight of each pair.

        Raises:
            ValueError: A prediction is NaN, or TFMA cannot pair labels, predictions and weights.
        """
        pairs, combiner = batch.pairs(self._how), self.combiner
        label = pairs.labels[:, 0].astype(np.float64)
        prediction = pairs.predictions[:, 0].astype(np.float64)
        by = prediction if combiner._prediction_based_bucketing else label
        place = (by - combiner._left) / combiner._range * combiner._num_buckets + 1
        if np.isnan(place).any():
            raise ValueError(
                f"{combiner._key}: expected every prediction to be a number, received NaN for "
                f"{int(np.isnan(place).sum()):,} of {len(place):,}; look at the model's outputs."
            )
        values = np.stack([label * pairs.weights, prediction * pairs.weights, pairs.weights], axis=1)
        return Addends(pairs.rows, np.clip(place, 0, self.buckets - 1).astype(np.int64), values)

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the histogram's result."""
        parts = zip(buckets.tolist(), totals.tolist(), strict=True)
        found = {bucket: calibration_histogram.Bucket(bucket, *numbers) for bucket, numbers in parts}
        return self.combiner.extract_output(found)


class ConfusionSums(Sums):
    """Sums of the weights of positives and negatives between the thresholds of a metric's own list."""

    width = 2

    def __init__(self, combiner: Any):
        """Wrap a binary_confusion_matrices._BinaryConfusionMatrixCombiner with fractional labels and no example ids."""
        super().__init__(combiner)
        self._thresholds = np.unique(np.array(combiner._binary_confusion_matrices._thresholds, dtype=np.float64))
        self.buckets = len(self._thresholds) + 1
        self._how = self._conversion(combiner._key, fractional_labels=True)

    def addends(self, batch: Batch) -> Addends:
        """Compute the bucket of each prediction: the number of thresholds below it."""
        pairs = batch.pairs(self._how)
        prediction = pairs.predictions[:, 0].astype(np.float64)
        below = np.where(np.isnan(prediction), 0, np.searchsorted(self._thresholds, prediction, side="left"))
        positive = pairs.labels[:, 0] == 1
        values = np.stack([np.where(positive, pairs.weights, 0), np.where(positive, 0, pairs.weights)], axis=1)
        return Addends(pairs.rows, below.astype(np.int64), values)

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return a confusion matrix for each threshold."""
        weights = np.zeros((self.buckets, 2))
        weights[buckets] = totals
        below = np.cumsum(weights, axis=0)[:-1]
        above = np.cumsum(weights[::-1], axis=0)[-2::-1]
        entries = {}
        for threshold, (fn, tn), (tp, fp) in zip(
            self._thresholds.tolist(), below.tolist(), above.tolist(), strict=True
        ):
            matrix = confusion.Matrix(tp=tp, tn=tn, fp=fp, fn=fn)
            entries[threshold] = confusion._ThresholdEntry(matrix, [], [], [], [])
        return self.combiner.extract_output(entries)


class TotalSums(Sums):
    """Sums of labels, predictions and weights: for calibration, mean label and mean prediction."""

    width = 3

    def __init__(self, combiner: Any):
        """Wrap a calibration._WeightedLabelsPredictionsExamplesCombiner without top k."""
        super().__init__(combiner)
        self._how = self._conversion(combiner._key, allow_none=True)

    def addends(self, batch: Batch) -> Addends:
        """Compute the weighted label, the weighted prediction and the weight of each pair."""
        pairs = batch.pairs(self._how)
        label, prediction = pairs.labels[:, 0].astype(np.float64), pairs.predictions[:, 0].astype(np.float64)
        values = np.stack([label * pairs.weights, prediction * pairs.weights, pairs.weights], axis=1)
        return Addends(pairs.rows, np.zeros(len(pairs.rows), np.int64), values)

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the result of the three totals."""
        found = self.combiner.create_accumulator()
        found.total_weighted_labels, found.total_weighted_predictions, found.total_weighted_examples = _only(totals, 3)
        return self.combiner.extract_output(found)


class CountSums(Sums):
    """The number of rows, or the sum of their weights."""

    width = 1

    def addends(self, batch: Batch) -> Addends:
        """Return 1 for each row, or its weight."""
        counts = np.array([self._count(row) for row in batch.single_rows()]) if self._weighted(batch) else None
        values = np.ones(batch.size) if counts is None else counts
        return Addends(np.arange(batch.size), np.zeros(batch.size, np.int64), values[:, None])

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the count."""
        return self.combiner.extract_output(*_only(totals, 1))

    def _weighted(self, batch: Batch) -> bool:
        return self.combiner._example_weighted and batch.extracts.get(constants.EXAMPLE_WEIGHTS_KEY) is not None

    def _count(self, row: dict[str, Any]) -> float:
        return float(self.combiner.add_input(0.0, metric_types.StandardMetricInputs(row)))


class CrossEntropySums(Sums):
    """Sums of binary cross entropies and weights."""

    width = 2

    def __init__(self, combiner: Any):
        """Wrap a cross_entropy_metrics._BinaryCrossEntropyCombiner."""
        super().__init__(combiner)
        self._how = self._conversion(combiner._metric_key, flatten=False)

    def addends(self, batch: Batch) -> Addends:
        """Compute the weighted entropy and the weight of each pair."""
        pairs, smoothing = batch.pairs(self._how), self.combiner._label_smoothing
        label, prediction = pairs.labels * (1.0 - smoothing) + 0.5 * smoothing, pairs.predictions
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            if self.combiner._from_logits:
                entropy = np.maximum(prediction, 0) - prediction * label + np.log(1 + np.exp(-np.abs(prediction)))
            else:
                entropy = -(label * np.log(prediction)) - (1 - label) * np.log(1 - prediction)
        values = np.stack([entropy.mean(axis=1).astype(np.float64) * pairs.weights, pairs.weights], axis=1)
        return Addends(pairs.rows, np.zeros(len(pairs.rows), np.int64), values)

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the mean cross entropy."""
        found = self.combiner.create_accumulator()
        found.total_cross_entropy, found.total_example_weights = _only(totals, 2)
        return self.combiner.extract_output(found)


class RegressionSums(Sums):
    """Sums of the errors of predicted numbers, and of weights."""

    width = 2

    def __init__(self, combiner: Any):
        """Wrap one of the combiners of mean_regression_error."""
        super().__init__(combiner)
        self._how = self._conversion(combiner._metric_key)

    def addends(self, batch: Batch) -> Addends:
        """Compute the weighted error and the weight of each pair; pairs whose error is NaN are left out, as in TFMA."""
        pairs = batch.pairs(self._how)
        with np.errstate(divide="ignore", invalid="ignore"):
            errors = self._errors(pairs.labels[:, 0], pairs.predictions[:, 0])
        known = ~np.isnan(errors)
        values = np.stack([errors * pairs.weights, pairs.weights], axis=1)[known]
        return Addends(pairs.rows[known], np.zeros(int(known.sum()), np.int64), values)

    def output(self, buckets: np.ndarray, totals: np.ndarray) -> Metrics:
        """Return the mean error."""
        found = self.combiner.create_accumulator()
        found.total_regression_error, found.total_example_weights = _only(totals, 2)
        return self.combiner.extract_output(found)

    def _errors(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return the error of each pair, float64 [pairs]; differences keep the dtype of their inputs, as in TFMA."""
        kind = type(self.combiner)
        if kind is mean_regression_error._MeanAbsoluteErrorCombiner:
            return np.abs(label - prediction).astype(np.float64)
        if kind is mean_regression_error._MeanSquaredErrorCombiner:
            return np.abs(label - prediction).astype(np.float64) ** 2
        if kind is mean_regression_error._MeanSquaredLogarithmicErrorCombiner:
            return np.abs(np.log(label + 1) - np.log(prediction + 1)).astype(np.float64) ** 2
        shares = np.abs((label - prediction) / label).astype(np.float64)
        return np.where(label == 0, np.nan, 100 * shares)


def _only(totals: np.ndarray, width: int) -> list[float]:
    """Return the totals of the only bucket; zeros if no row of the slice added anything."""
    return totals[0].tolist() if len(totals) else [0.0] * width
