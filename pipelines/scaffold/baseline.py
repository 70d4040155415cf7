"""The best constant prediction: what a model has to beat, and so where a new task's thresholds begin."""

import dataclasses
import math

import numpy as np
import pandas as pd

from components.csv_example_gen.row_split import EVAL_SHARE
from pipelines.scaffold.question import Question
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

_STANDARD_ERRORS = 2.0  # above chance; chance alone gets there once in forty
_NOISE = 0.1  # of what the constant reaches: how much worse than the model before one may be

METRICS = {
    # Keras' log loss: TFMA's own is NaN as soon as one row has a predicted probability of exactly 0 or 1.
    BINARY: ("AUC", "AUCPrecisionRecall", "BinaryCrossentropy", "Calibration", "BinaryAccuracy", "ExampleCount"),
    MULTICLASS: ("SparseCategoricalCrossentropy", "SparseCategoricalAccuracy", "ExampleCount"),
    REGRESSION: ("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "Calibration", "ExampleCount"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bound:
    """What a metric has to reach over all rows of the eval split; see pipelines.task_definition.scoping.Threshold."""

    metric: str
    reason: str
    at_least: float | None = None
    at_most: float | None = None
    change_at_most: float | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Baseline:
    """The best constant."""

    idea: str  # what it is
    reaches: str  # in figures
    bounds: tuple[Bound, ...]


def measure_baseline(question: Question, labels: pd.Series) -> Baseline:
    """Measures the constant on all rows, and sets the thresholds beyond it."""
    if question.problem == REGRESSION:
        return _measure_regression(labels.astype("float64").to_numpy())
    counts = np.array([int((labels == value).sum()) for value in question.classes])
    return _measure_multiclass(counts) if question.problem == MULTICLASS else _measure_binary(counts)


def _measure_binary(counts: np.ndarray) -> Baseline:
    share = counts[1] / counts.sum()
    loss = _entropy(counts / counts.sum())
    negative, positive = counts * EVAL_SHARE
    # The variance of the Mann-Whitney statistic where scores say nothing: Hanley and McNeil 1982.
    error = math.sqrt((negative + positive + 1) / (12 * negative * positive))
    auc = math.ceil(100 * (0.5 + _STANDARD_ERRORS * error)) / 100
    return Baseline(
        idea=f"The same probability for every row: the share of the second class, {share:.3g}.",
        reaches=f"ROC AUC 0.5, log loss {loss:.3g}",
        bounds=(
            Bound(
                metric="AUC",
                at_least=auc,
                reason=f"Chance has 0.5; on the eval split its standard error is {error:.2g}. Two of them above.",
            ),
            _make_loss_bound("BinaryCrossentropy", loss, "the share of the second class, said of every row,"),
        ),
    )


def _measure_multiclass(counts: np.ndarray) -> Baseline:
    shares = counts / counts.sum()
    most, loss = float(shares.max()), _entropy(shares)
    error = math.sqrt(most * (1 - most) / (counts.sum() * EVAL_SHARE))
    accuracy = min(math.ceil(100 * (most + _STANDARD_ERRORS * error)) / 100, 0.99)
    return Baseline(
        idea="The most frequent class for every row, with each class's share as its probability.",
        reaches=f"accuracy {most:.3g}, log loss {loss:.3g}",
        bounds=(
            Bound(
                metric="SparseCategoricalAccuracy",
                at_least=accuracy,
                reason=f"The most frequent class alone has {most:.3g}; on the eval split its standard error is "
                f"{error:.2g}. Two of them above.",
            ),
            _make_loss_bound("SparseCategoricalCrossentropy", loss, "the classes' shares, said of every row,"),
        ),
    )


def _measure_regression(labels: np.ndarray) -> Baseline:
    variance = float(labels.var())
    return Baseline(
        idea=f"The mean label, {labels.mean():.6g}, for every row.",
        reaches=f"mean squared error {variance:.4g}, which is a root mean squared error of {math.sqrt(variance):.4g}",
        bounds=(_make_loss_bound("MeanSquaredError", variance, "the mean label, said of every row,"),),
    )


def _make_loss_bound(metric: str, reached: float, constant: str) -> Bound:
    return Bound(
        metric=metric,
        at_most=_round_down(reached),
        change_at_most=_round_down(_NOISE * reached),
        reason=f"Less than {constant} reaches; and no worse than the model before, but for a tenth of that.",
    )


def _entropy(shares: np.ndarray) -> float:
    """Computes the log loss of the shares as probabilities, in nats."""
    return float(-(shares * np.log(shares)).sum())


def _round_down(value: float) -> float:
    """Rounds down to three significant digits."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return float(f"{math.floor(value / step) * step:.3g}")
