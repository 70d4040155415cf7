import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from google.protobuf.wrappers_pb2 import DoubleValue
from tensorflow_model_analysis.proto import config_pb2

from notebooks import comparison
from notebooks.comparison import BETTER, EVEN, WORSE, ThresholdCheck
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from pipelines.tasks.taxi.task import TASK

ROWS = 3000
random = np.random.default_rng(0)
LABELS = (random.random(ROWS) < 0.4).astype(np.int64)
GOOD = np.clip(0.4 + 0.35 * (LABELS - 0.4) + random.normal(0, 0.15, ROWS), 0.01, 0.99)
NOISY = np.clip(GOOD + random.normal(0, 0.25, ROWS), 0.01, 0.99)
TABLE = pd.DataFrame({"half": np.where(np.arange(ROWS) % 2 == 0, "even", "odd")})
SLICES = {"overall": (), "half = even": (("half", "even"),), "half = odd": (("half", "odd"),)}


def outcomes(found: pd.DataFrame) -> dict[str, str]:
    return dict(zip(found["metric"], found["outcome"], strict=True))


def test_a_worse_model_is_told() -> None:
    found = comparison.compare_metrics(LABELS, NOISY, GOOD, BINARY)
    assert outcomes(found)["auc"] == outcomes(found)["binary_crossentropy"] == WORSE
    by_metric = found.set_index("metric")["difference"]
    assert by_metric["auc"] < 0 < by_metric["binary_crossentropy"]


def test_a_better_model_is_told() -> None:
    found = comparison.compare_metrics(LABELS, GOOD, NOISY, BINARY)
    assert outcomes(found)["auc"] == outcomes(found)["binary_crossentropy"] == BETTER


def test_the_same_model_is_not_told_apart() -> None:
    assert set(outcomes(comparison.compare_metrics(LABELS, GOOD, GOOD, BINARY)).values()) == {EVEN}


def test_calibration_counts_on_either_side_of_one() -> None:
    weights = np.ones((1, ROWS))
    high, low = (np.full(ROWS, LABELS.mean() * factor) for factor in (1.2, 0.8))
    for predictions in (high, low):
        assert comparison.calibration_error(LABELS, predictions, weights)[0] == pytest.approx(0.2)


def test_intervals_hold_the_value() -> None:
    cell = comparison.tabulate_metrics(LABELS, {"good": GOOD}, BINARY).loc["auc", "good"]
    value, low, high = map(float, re.findall(r"[\d.]+", cell))
    assert low < value < high


def test_slices_show_where_a_model_is_worse() -> None:
    spoiled = np.where(TABLE["half"] == "odd", NOISY, GOOD)
    found = comparison.compare_slices(TABLE, LABELS, spoiled, GOOD, SLICES, BINARY).set_index("slice")
    assert list(found.index) == ["overall", "half = even", "half = odd"]
    assert found["outcome"].to_dict() == {"overall": WORSE, "half = even": EVEN, "half = odd": WORSE}
    assert found["rows"].to_dict() == {"overall": ROWS, "half = even": ROWS // 2, "half = odd": ROWS // 2}
    assert found.loc["half = even", "value"] == 0


def test_slices_with_too_few_labels_of_a_kind_are_left_out() -> None:
    one_kind = np.where(TABLE["half"] == "odd", 0, LABELS)
    found = comparison.compare_slices(TABLE, one_kind, NOISY, GOOD, SLICES, BINARY)
    assert list(found["slice"]) == ["overall", "half = even"]


def test_what_was_agreed_is_held_against_predictions() -> None:
    rows = pd.DataFrame({"payment_type": ["Credit Card"] * ROWS})
    perfect = comparison.check_thresholds(TASK, rows, LABELS, LABELS.astype(float))
    assert all(one.met for one in perfect)
    assert {one.sentence.split(":")[0] for one in perfect} == {
        "auc on overall",
        "auc on payment_type = Credit Card",
        "auc_precision_recall on overall",
        "binary_crossentropy on overall",
        "calibration on overall",
    }
    assert any(re.fullmatch(r"auc on overall: 1\.0000, agreed at least 0\.\d+", one.sentence) for one in perfect)
    guessed = comparison.check_thresholds(TASK, rows, LABELS, np.full(ROWS, LABELS.mean()))
    assert {one.sentence.split(":")[0] for one in guessed if one.met} == {"calibration on overall"}


@pytest.mark.parametrize(
    ("prototype", "production", "missed", "conclusion"),
    [
        (GOOD, NOISY, False, "Take trees further: it is better by more than chance, and no measured metric is worse"),
        (NOISY, GOOD, False, "Keep the production model: trees is worse by more than chance"),
        (GOOD, GOOD, False, "Keep the production model: these rows show no clear difference between trees and it."),
        (GOOD, NOISY, True, "Keep the production model: trees misses what was agreed."),
    ],
)
def test_the_verdict(prototype: np.ndarray, production: np.ndarray, missed: bool, conclusion: str) -> None:
    found = comparison.compare_metrics(LABELS, prototype, production, BINARY)
    slices = comparison.compare_slices(TABLE, LABELS, prototype, production, SLICES, BINARY)
    words = comparison.write_verdict(
        "trees", found, slices, [ThresholdCheck(sentence="auc on overall: 0.9", met=not missed)], ROWS
    )
    assert words.startswith(f"**{conclusion}")
    assert "on the same 3,000 eval rows" in words
    assert ("missed: auc on overall: 0.9" in words) == missed
    assert "of so many slices, 0.1 would differ by chance alone" in words


def test_better_here_and_worse_there_is_for_a_person() -> None:
    frame = pd.DataFrame(
        [
            {"metric": "auc", "difference": 0.01, "low": 0.005, "high": 0.015, "outcome": BETTER},
            {"metric": "binary_crossentropy", "difference": 0.02, "low": 0.01, "high": 0.03, "outcome": WORSE},
        ]
    )
    nothing = pd.DataFrame({"slice": ["overall"], "outcome": [EVEN]})
    words = comparison.write_verdict("trees", frame, nothing, [], ROWS)
    assert words.startswith("**A person has to weigh it")
    assert "- better: auc +0.0100 (+0.0050 to +0.0150)" in words
    assert "- worse: binary_crossentropy +0.0200 (+0.0100 to +0.0300)" in words


def test_a_threshold_against_the_blessed_model_says_nothing_of_a_prototype() -> None:
    change = config_pb2.GenericChangeThreshold(
        direction=config_pb2.MetricDirection.HIGHER_IS_BETTER, absolute=DoubleValue(value=-0.01)
    )
    metric = config_pb2.MetricConfig(class_name="AUC", threshold=config_pb2.MetricThreshold(change_threshold=change))
    config = config_pb2.EvalConfig(metrics_specs=[config_pb2.MetricsSpec(metrics=[metric])])
    task = SimpleNamespace(make_eval_config=lambda: config, problem=BINARY)
    assert comparison.check_thresholds(task, TABLE, LABELS, GOOD) == []


def test_several_classes_are_compared_by_their_probabilities() -> None:
    labels = np.tile([0, 1, 2], ROWS // 3)
    right = np.where(np.eye(3)[labels] == 1, 0.8, 0.1)
    guess = np.full((ROWS, 3), 1 / 3)
    found = comparison.compare_metrics(labels, right, guess, MULTICLASS)
    assert outcomes(found) == {"sparse_categorical_accuracy": BETTER, "sparse_categorical_crossentropy": BETTER}
    slices = comparison.compare_slices(TABLE, labels, guess, right, SLICES, MULTICLASS).set_index("slice")
    assert slices["outcome"].to_dict() == {"overall": WORSE, "half = even": WORSE, "half = odd": WORSE}
    assert slices.loc["overall", "value"] == pytest.approx(np.log(3) + np.log(0.8))


def test_numbers_are_compared_by_their_errors() -> None:
    labels = random.normal(100, 20, ROWS)
    near, far = labels + random.normal(0, 1, ROWS), labels + random.normal(0, 9, ROWS)
    found = comparison.compare_metrics(labels, near, far, REGRESSION)
    assert {name: one for name, one in outcomes(found).items() if name != "calibration_error"} == dict.fromkeys(
        ("mean_squared_error", "root_mean_squared_error", "mean_absolute_error"), BETTER
    )
    few = {"few": (("half", "few"),)} | SLICES
    rows = TABLE.assign(half=["few"] * 9 + list(TABLE["half"][9:]))  # 9 rows are too few
    assert "few" not in set(comparison.compare_slices(rows, labels, near, far, few, REGRESSION)["slice"])
