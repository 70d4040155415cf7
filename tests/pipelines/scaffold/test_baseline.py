"""What a constant reaches, and the thresholds beyond it."""

import math

import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.baseline import Baseline, measure_baseline
from pipelines.scaffold.question import choose_problem


def measured(values: list, kind: CellKind) -> Baseline:
    labels = pd.Series(values)
    return measure_baseline(choose_problem("y", labels, kind), labels)


def test_binary() -> None:
    found = measured([0] * 225 + [1] * 75, CellKind.INT)
    assert found.reaches == "ROC AUC 0.5, log loss 0.562"
    auc, loss = found.bounds
    # 75 negative and 25 positive rows of the eval split: sqrt(101 / (12 * 75 * 25)) = 0.067, twice.
    assert (auc.metric, auc.at_least) == ("AUC", 0.64)
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert loss.metric == "BinaryCrossentropy"
    assert loss.at_most == pytest.approx(entropy, abs=0.001)
    assert loss.at_most < entropy


def test_multiclass() -> None:
    found = measured(["a"] * 150 + ["b"] * 75 + ["c"] * 75, CellKind.BYTES)
    assert found.reaches == "accuracy 0.5, log loss 1.04"
    accuracy, loss = found.bounds
    assert (accuracy.metric, accuracy.at_least) == ("SparseCategoricalAccuracy", 0.6)  # 0.5 + 2 * 0.5 / 10
    assert (loss.metric, loss.at_most) == ("SparseCategoricalCrossentropy", 1.03)


def test_regression() -> None:
    found = measured([float(number) for number in range(100)], CellKind.FLOAT)
    (loss,) = found.bounds
    assert found.reaches == "mean absolute error 25, mean squared error 833"  # as the yardsticks
    assert found.idea == "The mean label, 49.5, for every row."
    # The variance of 0 to 99 is (100**2 - 1) / 12 = 833.25.
    assert (loss.metric, loss.at_most, loss.change_at_most) == ("MeanSquaredError", 833.0, 83.3)
