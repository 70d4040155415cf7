"""Bootstrap intervals: where they must lie, how often they cover the truth, and what they refuse."""

import dataclasses

import numpy as np
import pytest

from pipelines.evaluation import bootstrap
from pipelines.evaluation.weighted_metrics import mean_absolute_error, metrics_of
from pipelines.task_definition.problem import BINARY, REGRESSION


def test_the_interval_of_a_mean_is_the_textbooks() -> None:
    labels = np.random.default_rng(1).exponential(size=2000)
    error = labels.std() / np.sqrt(len(labels))
    found = bootstrap.estimate_intervals(labels, np.zeros(2000), {"mean": mean_absolute_error}, resamples=2000)["mean"]
    assert found.value == pytest.approx(labels.mean())
    assert found.low == pytest.approx(labels.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(labels.mean() + 1.96 * error, abs=0.15 * error)


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        labels = np.random.default_rng(seed).normal(loc=5.0, size=300)
        found = bootstrap.estimate_intervals(
            labels, np.zeros(300), {"mean": mean_absolute_error}, level=0.8, seed=seed
        )["mean"]
        covered += found.low <= 5.0 <= found.high
    assert covered / 200 == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / 200))


def test_the_difference_of_two_alike_models_is_known_better_than_either() -> None:
    generator = np.random.default_rng(2)
    labels = generator.normal(size=500)
    one = labels + generator.normal(size=500)
    other = one + 0.05 * generator.normal(size=500)
    metric = {"mae": mean_absolute_error}
    of_one = bootstrap.estimate_intervals(labels, one, metric)["mae"]
    change = bootstrap.estimate_differences(labels, one, other, metric)["mae"]
    assert change.value == pytest.approx(np.abs(one - labels).mean() - np.abs(other - labels).mean())
    assert change.low < change.value < change.high
    assert change.high - change.low < (of_one.high - of_one.low) / 5


def test_a_model_that_is_worse_everywhere_is_worse_for_sure() -> None:
    labels = np.random.default_rng(3).normal(size=100)
    change = bootstrap.estimate_differences(labels, labels + 2, labels + 1, metrics_of(REGRESSION))
    assert (change["mean_absolute_error"].low, change["mean_absolute_error"].high) == pytest.approx((1.0, 1.0))


def test_the_same_rows_give_the_same_interval_however_many_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    predictions = generator.random(50)
    labels = (generator.random(50) < predictions).astype(int)
    at_once = bootstrap.estimate_intervals(labels, predictions, metrics_of(BINARY))
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 50 * 7)  # seven resamples; 300 is no multiple of it
    in_parts = bootstrap.estimate_intervals(labels, predictions, metrics_of(BINARY))
    for name, interval in at_once.items():  # but for the last bit: sums of several sizes
        assert dataclasses.astuple(in_parts[name]) == pytest.approx(dataclasses.astuple(interval), rel=1e-12), name


def test_resamples_without_a_value_are_left_out_and_none_at_all_is_nan() -> None:
    predictions = np.linspace(0.1, 0.9, 9)
    rare = bootstrap.estimate_intervals(np.eye(9, dtype=int)[8], predictions, metrics_of(BINARY))["auc"]
    assert (rare.value, rare.low, rare.high) == (1.0, 1.0, 1.0), "a third of the resamples has no positive row"
    none = bootstrap.estimate_intervals(np.zeros(9, int), predictions, metrics_of(BINARY))["auc"]
    assert np.isnan([none.value, none.low, none.high]).all()


@pytest.mark.parametrize(("labels", "predictions"), [(0, 0), (3, 2)])
def test_rows_that_do_not_pair_are_refused(labels: int, predictions: int) -> None:
    message = f"received {labels} labels and {predictions} predictions"
    with pytest.raises(ValueError, match=message):
        bootstrap.estimate_intervals(np.zeros(labels), np.zeros(predictions), metrics_of(REGRESSION))
    if labels:
        with pytest.raises(ValueError, match=message):
            bootstrap.estimate_differences(np.zeros(3), np.zeros(3), np.zeros(2), metrics_of(REGRESSION))
