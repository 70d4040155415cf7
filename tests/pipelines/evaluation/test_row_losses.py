"""The losses of rows; their mean is the metric of the same name."""

import numpy as np
import pytest

from pipelines.evaluation.row_losses import name_row_loss, row_losses
from pipelines.evaluation.weighted_metrics import metrics_of
from pipelines.task_definition.problem import BINARY, MULTICLASS, PROBLEMS, REGRESSION

GENERATOR = np.random.default_rng(4)


def make(problem: str) -> tuple[np.ndarray, np.ndarray]:
    if problem == REGRESSION:
        return GENERATOR.normal(size=50), GENERATOR.normal(size=(50, 1))
    outputs = 1 if problem == BINARY else 3
    probabilities = GENERATOR.dirichlet(np.ones(3), size=50)[:, :outputs]
    return GENERATOR.integers(0, 2 if problem == BINARY else 3, 50), probabilities


@pytest.mark.parametrize("problem", PROBLEMS)
def test_their_mean_is_the_metric(problem: str) -> None:
    labels, predictions = make(problem)
    of_metric = predictions if problem == MULTICLASS else predictions[:, 0]
    expected = metrics_of(problem)[name_row_loss(problem)](labels, of_metric, np.ones((1, 50)))
    assert row_losses(problem, labels, predictions).mean() == pytest.approx(expected[0])


@pytest.mark.parametrize("problem", PROBLEMS)
def test_several_sets_of_predictions(problem: str) -> None:
    labels, predictions = make(problem)
    found = row_losses(problem, labels, np.stack([predictions, predictions / 2]))
    assert found.shape == (2, 50)
    np.testing.assert_array_equal(found[1], row_losses(problem, labels, predictions / 2))


def test_a_certain_mistake_costs_a_finite_amount() -> None:
    assert row_losses(BINARY, np.array([1]), np.array([[0.0]])).tolist() == [pytest.approx(16.118, abs=0.001)]
