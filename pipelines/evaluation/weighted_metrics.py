"""Compute metrics of weighted rows for many sets of weights at once, for the bootstrap.

The metrics have TFMA's names, since their intervals are shown next to TFMA's values. The Evaluator's thresholds are
checked with TFMA's own values, never with these. Each function takes

- labels [rows]: class numbers, or the labels of a regression;
- predictions [rows], or [rows, classes] for several classes;
- weights [sets, rows], 0 or more: how often each row counts;

and returns float64 [sets], NaN if the metric is undefined, such as an AUC if all rows have the same class.
"""

from collections.abc import Callable

import numpy as np

from pipelines.evaluation.row_losses import log_loss
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

Metric = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

_EVEN = 0.5  # TFMA's BinaryAccuracy, by default, decides for class 1 above this probability


def auc(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve: the probability that a positive row has the higher prediction.

    Ties count half. It is computed as the Mann-Whitney statistic (Hanley and McNeil 1982).

    Args:
        labels: 0 or 1, [rows].
        predictions: [rows].
        weights: [sets, rows].

    Example:
        >>> auc(np.array([0, 1, 1]), np.array([0.2, 0.1, 0.9]), np.ones((1, 3))).tolist()
        [0.5]
    """
    positive, negative = _by_prediction(labels, predictions, weights)
    lower = np.cumsum(negative, axis=1) - negative
    return _ratio((positive * (lower + negative / 2)).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def auc_precision_recall(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the precision-recall curve, interpolated as by Davis and Goadrich (2006) and Keras."""
    positive, negative = _by_prediction(labels, predictions, weights)
    hits = _from_the_top(positive)
    called = hits + _from_the_top(negative)
    gained, more = np.diff(hits, axis=1), np.diff(called, axis=1)
    slope = np.divide(gained, more, out=np.zeros_like(gained), where=more > 0)
    intercept = hits[:, :-1] - slope * called[:, :-1]
    # Where no row is decided positive, precision is 0/0; Keras also sets the logarithm to 0 there.
    ratio = np.divide(called[:, 1:], called[:, :-1], out=np.ones_like(gained), where=called[:, :-1] > 0)
    return _ratio((slope * (gained + intercept * np.log(ratio))).sum(axis=1), hits[:, -1])


def binary_accuracy(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of rows on the right side of 0.5."""
    return _mean(_is_on_the_right_side(labels, predictions), weights)


def binary_crossentropy(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean log loss, in nats."""
    return _mean(_binary_log_loss(labels, predictions), weights)


def calibration(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean prediction divided by the mean label; 1 is right on average."""
    return _ratio(weights @ predictions.astype(np.float64), weights @ labels.astype(np.float64))


def sparse_categorical_accuracy(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of rows whose most likely class is the actual one."""
    return _mean(_is_the_right_class(labels, predictions), weights)


def sparse_categorical_crossentropy(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean log loss of the actual class, in nats."""
    return _mean(_class_log_loss(labels, predictions), weights)


def mean_squared_error(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean squared error, in the square of the label's unit."""
    return _mean(_squared_error(labels, predictions), weights)


def root_mean_squared_error(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the root mean squared error, in the label's unit."""
    return np.sqrt(mean_squared_error(labels, predictions, weights))


def mean_absolute_error(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean absolute error, in the label's unit."""
    return _mean(_absolute_error(labels, predictions), weights)


def _is_on_the_right_side(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return (predictions > _EVEN) == (labels > 0)


def _binary_log_loss(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return log_loss(np.where(labels > 0, predictions, 1 - predictions))


def _is_the_right_class(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return predictions.argmax(axis=1) == labels


def _class_log_loss(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return log_loss(np.take_along_axis(predictions, labels.astype(np.int64)[:, None], axis=1)[:, 0])


def _squared_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return (predictions.astype(np.float64) - labels) ** 2


def _absolute_error(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    return np.abs(predictions.astype(np.float64) - labels)


# Metrics that are means over rows -> function of labels and predictions that returns the values to average, [rows].
ROW_VALUES: dict[Metric, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    binary_accuracy: _is_on_the_right_side,
    binary_crossentropy: _binary_log_loss,
    sparse_categorical_accuracy: _is_the_right_class,
    sparse_categorical_crossentropy: _class_log_loss,
    mean_squared_error: _squared_error,
    mean_absolute_error: _absolute_error,
}

# The classes of TFMA and Keras that compute these metrics, as an EvalConfig and scoping.toml name them.
METRIC_OF_CLASS: dict[str, Metric] = {
    "AUC": auc,
    "AUCPrecisionRecall": auc_precision_recall,
    "BinaryAccuracy": binary_accuracy,
    "BinaryCrossEntropy": binary_crossentropy,
    "BinaryCrossentropy": binary_crossentropy,
    "Calibration": calibration,
    "MeanAbsoluteError": mean_absolute_error,
    "MeanSquaredError": mean_squared_error,
    "RootMeanSquaredError": root_mean_squared_error,
    "SparseCategoricalAccuracy": sparse_categorical_accuracy,
    "SparseCategoricalCrossentropy": sparse_categorical_crossentropy,
}
SMALLER_IS_BETTER = frozenset(
    metric.__name__
    for metric in (
        binary_crossentropy,
        sparse_categorical_crossentropy,
        mean_squared_error,
        root_mean_squared_error,
        mean_absolute_error,
    )
)

CENTRED = frozenset({calibration.__name__})  # neither larger nor smaller values are better
DIRECTED = frozenset(metric.__name__ for metric in METRIC_OF_CLASS.values()) - CENTRED  # larger or smaller is better

_OF_PROBLEM: dict[str, tuple[Metric, ...]] = {
    BINARY: (auc, auc_precision_recall, binary_crossentropy, binary_accuracy, calibration),
    MULTICLASS: (sparse_categorical_accuracy, sparse_categorical_crossentropy),
    REGRESSION: (mean_squared_error, root_mean_squared_error, mean_absolute_error, calibration),
}


def metrics_of(problem: str) -> dict[str, Metric]:
    """Return the metrics of a kind of problem (pipelines.task_definition.problem), by TFMA's names."""
    return {metric.__name__: metric for metric in _OF_PROBLEM[problem]}


def _by_prediction(labels: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of positive and of negative rows at each distinct prediction, ascending, [sets, distinct]."""
    order = np.argsort(predictions, kind="stable")
    ranked = predictions[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sorted_weights = weights[:, order].astype(np.float64)
    positive = sorted_weights * (labels[order] > 0)
    return np.add.reduceat(positive, starts, axis=1), np.add.reduceat(sorted_weights - positive, starts, axis=1)


def _from_the_top(weights: np.ndarray) -> np.ndarray:
    """Return the weight above each threshold, from no rows to all rows, [sets, distinct + 1]."""
    return np.pad(np.cumsum(weights[:, ::-1], axis=1), ((0, 0), (1, 0)))


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return _ratio(weights @ values.astype(np.float64), weights.sum(axis=1))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below != 0)
