"""The metrics that are resampled: against scikit-learn's and Keras' own, weights and ties among the rows."""

import keras
import numpy as np
import pytest
from sklearn import metrics as reference

from pipelines.evaluation import weighted_metrics
from pipelines.task_definition.problem import BINARY, MULTICLASS, PROBLEMS, REGRESSION

ROWS = 400


@pytest.fixture(name="generator")
def _generator() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture(name="weights")
def _weights(generator: np.random.Generator) -> np.ndarray:
    """Two sets of weights; some rows count for nothing."""
    return generator.integers(0, 4, (2, ROWS)).astype(float)


@pytest.fixture(name="binary")
def _binary(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that often tie."""
    predictions = generator.random(ROWS).round(2)
    return (generator.random(ROWS) < predictions).astype(int), predictions


def test_auc_is_scikit_learns(binary: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> None:
    expected = [reference.roc_auc_score(*binary, sample_weight=one) for one in weights]
    assert weighted_metrics.auc(*binary, weights) == pytest.approx(expected, abs=1e-12)


def test_auc_precision_recall_is_keras(binary: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> None:
    expected = []
    for one in weights:
        metric = keras.metrics.AUC(curve="PR", num_thresholds=2001)
        metric.update_state(*binary, sample_weight=one)
        expected.append(float(metric.result()))
    assert weighted_metrics.auc_precision_recall(*binary, weights) == pytest.approx(expected, abs=1e-5)


def test_log_loss_and_accuracy_are_scikit_learns(binary: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> None:
    labels, predictions = binary
    loss = [reference.log_loss(labels, predictions, sample_weight=one) for one in weights]
    right = [reference.accuracy_score(labels, predictions > 0.5, sample_weight=one) for one in weights]
    assert weighted_metrics.binary_crossentropy(*binary, weights) == pytest.approx(loss, abs=1e-6)
    assert weighted_metrics.binary_accuracy(*binary, weights) == pytest.approx(right)


def test_calibration_is_mean_prediction_over_mean_label() -> None:
    labels, predictions = np.array([0, 1, 1]), np.array([0.2, 0.4, 0.8])
    assert weighted_metrics.calibration(labels, predictions, np.array([[1, 1, 1], [0, 1, 0]])) == pytest.approx(
        [1.4 / 2, 0.4]
    )


def test_several_classes(generator: np.random.Generator, weights: np.ndarray) -> None:
    predictions = generator.dirichlet(np.ones(3), ROWS)
    labels = generator.integers(0, 3, ROWS)
    loss = [reference.log_loss(labels, predictions, sample_weight=one) for one in weights]
    right = [reference.accuracy_score(labels, predictions.argmax(axis=1), sample_weight=one) for one in weights]
    assert weighted_metrics.sparse_categorical_crossentropy(labels, predictions, weights) == pytest.approx(loss)
    assert weighted_metrics.sparse_categorical_accuracy(labels, predictions, weights) == pytest.approx(right)


def test_numbers(generator: np.random.Generator, weights: np.ndarray) -> None:
    labels, predictions = generator.normal(size=(2, ROWS))
    squared = [reference.mean_squared_error(labels, predictions, sample_weight=one) for one in weights]
    absolute = [reference.mean_absolute_error(labels, predictions, sample_weight=one) for one in weights]
    assert weighted_metrics.mean_squared_error(labels, predictions, weights) == pytest.approx(squared)
    assert weighted_metrics.root_mean_squared_error(labels, predictions, weights) == pytest.approx(np.sqrt(squared))
    assert weighted_metrics.mean_absolute_error(labels, predictions, weights) == pytest.approx(absolute)


def test_what_is_undefined_is_nan() -> None:
    labels, predictions, weights = np.zeros(3, int), np.array([0.1, 0.2, 0.3]), np.array([[1.0, 2.0, 0.0], [0, 0, 0]])
    for name in ("auc", "auc_precision_recall", "calibration"):
        assert np.isnan(weighted_metrics.metrics_of(BINARY)[name](labels, predictions, weights)).all(), name
    loss = weighted_metrics.binary_crossentropy(labels, predictions, weights)
    assert loss[0] == pytest.approx(-(np.log(0.9) + 2 * np.log(0.8)) / 3)
    assert np.isnan(loss[1]), "no row counts"


def test_every_problem_has_metrics_by_tfmas_names() -> None:
    assert {problem: list(weighted_metrics.metrics_of(problem)) for problem in PROBLEMS} == {
        BINARY: ["auc", "auc_precision_recall", "binary_crossentropy", "binary_accuracy", "calibration"],
        MULTICLASS: ["sparse_categorical_accuracy", "sparse_categorical_crossentropy"],
        REGRESSION: ["mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "calibration"],
    }
