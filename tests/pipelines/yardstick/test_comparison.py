"""Yardsticks on rows whose best prediction is known, and the verdict beside ours."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, mean_absolute_error

from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from pipelines.yardstick.comparison import (
    BETTER,
    LEVEL,
    WORSE,
    compare_with_yardsticks,
    find_best,
    predict_yardsticks,
)
from pipelines.yardstick.models import CONSTANT, LINEAR, TREES, sample_rows

ROWS = 900
GENERATOR = np.random.default_rng(3)
X = GENERATOR.uniform(-2, 2, ROWS)
FRAME = pd.DataFrame({"x": X, "gap": [None] * ROWS, "kind": np.where(np.arange(ROWS) % 3 == 0, "a", None)})
TRAIN, EVAL = FRAME[:600], FRAME[600:]


def predict(problem: str, labels: np.ndarray, classes: int) -> dict[str, np.ndarray]:
    return predict_yardsticks(problem, classes, TRAIN, labels[:600], EVAL, {})


def test_a_line_is_found_by_the_linear_model_and_a_step_by_the_trees() -> None:
    line = predict(REGRESSION, 3 * X + 1, 1)
    assert list(line) == [CONSTANT, LINEAR, TREES]
    assert mean_absolute_error(3 * X[600:] + 1, line[LINEAR]) < 0.01
    assert line[CONSTANT] == pytest.approx(np.full(300, np.mean(3 * X[:600] + 1)))
    step = np.where(np.abs(X) < 1, 5.0, 0.0)
    found = predict(REGRESSION, step, 1)
    assert mean_absolute_error(step[600:], found[TREES]) < 0.3 < 2 < mean_absolute_error(step[600:], found[LINEAR])


def test_a_category_is_found_by_both() -> None:
    labels = (np.arange(ROWS) % 3 == 0).astype(int)
    found = predict(BINARY, labels, 2)
    assert {name: log_loss(labels[600:], found[name]) < 0.05 for name in found} == {
        CONSTANT: False, LINEAR: True, TREES: True
    }  # fmt: skip


def test_several_classes_have_a_column_each_those_without_a_row_too() -> None:
    labels = np.where(X > 0.5, 2, 0)
    found = predict(MULTICLASS, labels, 4)
    for predictions in found.values():
        assert predictions.shape == (300, 4)
        assert predictions.sum(axis=1) == pytest.approx(np.ones(300))
        assert (predictions[:, [1, 3]] == 0).all()
    assert (found[TREES].argmax(axis=1) == labels[600:]).mean() > 0.98


def test_rows_of_one_class_leave_the_constant_only() -> None:
    assert predict(BINARY, np.ones(ROWS, int), 2).keys() == {CONSTANT}


def test_the_word_says_who_is_better_beyond_chance() -> None:
    labels = X[600:] * 3
    noise = GENERATOR.normal(size=300)
    yardsticks = {"exact": labels, "alike": labels + noise[::-1], "far": labels + 9}
    found = compare_with_yardsticks(REGRESSION, labels, labels + noise, yardsticks)
    assert {name: all_[-1].word for name, all_ in found.items()} == {"exact": WORSE, "alike": LEVEL, "far": BETTER}
    assert find_best(found) == "exact"
    error, squared = found["far"]
    assert (error.measure.name, squared.measure.name) == ("mean_absolute_error", "mean_squared_error")
    assert squared.value.value == pytest.approx(81)
    assert squared.difference.value == pytest.approx((noise**2).mean() - 81)
    assert squared.difference.low < squared.difference.value < squared.difference.high


def test_larger_is_better_turns_the_word() -> None:
    labels = np.arange(300) % 2
    sure = np.where(labels == 1, 0.9, 0.1)
    found = compare_with_yardsticks(BINARY, labels, sure, {CONSTANT: np.full(300, 0.5)})
    assert [one.word for one in found[CONSTANT]] == [BETTER, BETTER]
    assert found[CONSTANT][0].difference.value == pytest.approx(0.5)  # ROC AUC 1 against 0.5


def test_a_sample_is_even_and_the_same_each_time() -> None:
    assert sample_rows(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert sample_rows(100, 5).tolist() == [0, 24, 49, 74, 99]
