"""Measure the best constant prediction, and propose a new task's thresholds: a model has to beat the constant."""

import dataclasses
import math

import numpy as np
import pandas as pd

from components.csv_example_gen.row_split import EVAL_SHARE
from pipelines.scaffold.question import Question
from pipelines.scaffold.reached import describe_reached
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

_STANDARD_ERRORS = 2.0  # above the constant's metric; by chance alone a model gets there once in forty times
_NOISE = 0.1  # a model may be worse than the version pushed before by this share of the constant's loss

METRICS = {
    # Keras' log loss: TFMA's own is NaN as soon as one row has a predicted probability of exactly 0 or 1.
    BINARY: ("AUC", "AUCPrecisionRecall", "BinaryCrossentropy", "Calibration", "BinaryAccuracy", "ExampleCount"),
    MULTICLASS: ("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy", "ExampleCount"),
    REGRESSION: ("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "Calibration", "ExampleCount"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bound:
    """A threshold of a metric over all rows of the eval split; see pipelines.task_definition.scoping.Threshold."""

    metric: str
    reason: str
    at_least: float | None = None
    at_most: float | None = None
    change_at_most: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """The best constant prediction, and the thresholds derived from it."""

    idea: str  # what is predicted
    reaches: str  # its metrics, as text; the same as the yardsticks'
    bounds: tuple[Bound, ...]


def measure_baseline(question: Question, labels: pd.Series) -> Baseline:
    """Measure the constant on all rows, and set thresholds that it does not meet."""
    if question.problem == REGRESSION:
        return _measure_regression(labels.astype("float64").to_numpy())
    counts = np.array([int((labels == value).sum()) for value in question.classes])
    return _measure_multiclass(counts) if question.problem == MULTICLASS else _measure_binary(counts)


def _measure_binary(counts: np.ndarray) -> Baseline:
    share = counts[1] / counts.sum()
    loss = _entropy(counts / counts.sum())
    negative, positive = counts * EVAL_SHARE
    # The variance of the Mann-Whitney statistic of random scores: Hanley and McNeil 1982.
    error = math.sqrt((negative + positive + 1) / (12 * negative * positive))
    auc = math.ceil(100 * (0.5 + _STANDARD_ERRORS * error)) / 100
    return Baseline(
        idea=f"The same probability for every row: the share of the second class, {share:.3g}.",
        reaches=describe_reached(BINARY, (0.5, loss)),
        bounds=(
            Bound(
                metric="AUC",
                at_least=auc,
                reason=f"Random scores have an AUC of 0.5. This is two standard errors ({error:.2g} on the eval split) "
                "above it.",
            ),
            _make_loss_bound("BinaryCrossentropy", loss, "the share of the second class as every row's probability"),
        ),
    )


def _measure_multiclass(counts: np.ndarray) -> Baseline:
    shares = counts / counts.sum()
    most, loss = float(shares.max()), _entropy(shares)
    error = math.sqrt(most * (1 - most) / (counts.sum() * EVAL_SHARE))
    accuracy = min(math.ceil(100 * (most + _STANDARD_ERRORS * error)) / 100, 0.99)
    return Baseline(
        idea="The most frequent class for every row, with each class's share as its probability.",
        reaches=describe_reached(MULTICLASS, (most, loss)),
        bounds=(
            Bound(
                metric="SparseCategoricalAccuracy",
                at_least=accuracy,
                reason=f"Always predicting the most frequent class has an accuracy of {most:.3g}. This is two standard "
                f"errors ({error:.2g} on the eval split) above it.",
            ),
            _make_loss_bound("SparseCategoricalCrossentropy", loss, "the classes' shares as every row's probabilities"),
        ),
    )


def _measure_regression(labels: np.ndarray) -> Baseline:
    variance, deviation = float(labels.var()), float(np.abs(labels - labels.mean()).mean())
    return Baseline(
        idea=f"The mean label, {labels.mean():.6g}, for every row.",
        reaches=describe_reached(REGRESSION, (deviation, variance)),
        bounds=(_make_loss_bound("MeanSquaredError", variance, "the mean label as every row's prediction"),),
    )


def _make_loss_bound(metric: str, reached: float, constant: str) -> Bound:
    return Bound(
        metric=metric,
        at_most=_round_down(reached),
        change_at_most=_round_down(_NOISE * reached),
        reason=f"Less than the loss of {constant}. A model may be worse than the previous one by a tenth of that loss.",
    )


def _entropy(shares: np.ndarray) -> float:
    """Compute the log loss of predicting the classes' shares, in nats."""
    return float(-(shares * np.log(shares)).sum())


def _round_down(value: float) -> float:
    """Round a positive number down to three significant digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.floor(value / step) * step:.3g}")
