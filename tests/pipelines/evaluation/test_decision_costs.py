"""The cost of decisions: the threshold that theory names, and an interval that holds it."""

import numpy as np
import pytest

from pipelines.evaluation.decision_costs import sweep_costs

GENERATOR = np.random.default_rng(8)
PROBABILITIES = GENERATOR.random(4000)
LABELS = (GENERATOR.random(4000) < PROBABILITIES).astype(int)


@pytest.mark.parametrize(("false_alarm", "miss"), [(1.0, 1.0), (1.0, 4.0), (3.0, 1.0)])
def test_the_best_threshold_of_true_probabilities_is_the_share_of_the_costs(false_alarm: float, miss: float) -> None:
    found = sweep_costs(LABELS, PROBABILITIES, false_alarm=false_alarm, miss=miss, threshold=0.5)
    expected = false_alarm / (false_alarm + miss)  # Elkan 2001, "The Foundations of Cost-Sensitive Learning"
    assert found.best.low <= expected <= found.best.high
    assert found.best.high - found.best.low < 0.3
    assert found.cost_best == pytest.approx(found.costs.min())


def test_costs_are_counted_by_hand() -> None:
    found = sweep_costs(np.array([0, 1, 1, 0]), np.array([0.1, 0.3, 0.9, 0.6]), false_alarm=2, miss=5, threshold=0.5)
    assert found.cost_now == (2 + 5) / 4  # 0.6 is a false alarm, 0.3 a miss
    assert found.costs[0] == 2 * 2 / 4, "from 0 on, all are decided for"
    assert found.cost_best == 2 / 4  # from 0.3 on
    assert 0.1 < found.best.value <= 0.3
    assert found.saving.value == pytest.approx(5 / 4)


def test_a_threshold_that_is_best_saves_nothing() -> None:
    found = sweep_costs(LABELS, PROBABILITIES, false_alarm=1, miss=1, threshold=0.5)
    assert found.saving.low < 0.002
