"""What notebooks show of each kind of task, on hand-made predictions."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from notebooks import problem_kinds
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

LABELS = np.array([0, 1, 2, 2])
SHARES = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])


def task(problem: str, classes: tuple[str, ...] = ()) -> Any:
    return SimpleNamespace(name="made_up", problem=problem, classes=classes, label="y")


def test_labels_as_numbers_with_a_telling_mean() -> None:
    means = {
        name: values.mean()
        for problem, labels in ((BINARY, LABELS[:2]), (MULTICLASS, LABELS), (REGRESSION, LABELS))
        for name, values in problem_kinds.view_labels(labels, task(problem)).items()
    }
    assert means == {
        "share of y": 0.5,
        "share of 0": 0.25,
        "share of 1": 0.25,
        "share of 2": 0.5,
        "mean y": 1.25,
    }
    assert list(problem_kinds.view_labels(LABELS, task(MULTICLASS, ("a", "b", "c")))) == [
        "share of a",
        "share of b",
        "share of c",
    ]


def test_a_row_is_scored_by_the_probability_of_its_class() -> None:
    assert problem_kinds.score_rows(LABELS, SHARES).tolist() == [0.7, 0.7, 0.1, 0.8]
    assert problem_kinds.score_rows(LABELS, LABELS / 2).tolist() == [0.0, 0.5, 1.0, 1.0]


def test_far_apart_goes_by_the_labels_spread_for_a_number() -> None:
    labels = np.array([0.0, 20.0])  # standard deviation 10
    assert problem_kinds.large_gap(labels, task(REGRESSION)) == 5
    assert problem_kinds.large_gap(labels, task(BINARY)) == 0.2


def test_decisions_for_classes() -> None:
    found = problem_kinds.tabulate_decisions(LABELS, {"a": SHARES, "b": SHARES[:, ::-1]}, task(MULTICLASS))
    by_row = found.set_index(["a", "b", "label"])[["rows", "right"]].to_dict("index")
    assert by_row == {
        ("0", "2", "0"): {"rows": 1, "right": "a"},
        ("1", "1", "1"): {"rows": 1, "right": "a and b"},
        ("1", "1", "2"): {"rows": 1, "right": "neither"},
        ("2", "0", "2"): {"rows": 1, "right": "a"},
    }


def test_two_classes_are_decided_at_the_threshold() -> None:
    models = {"a": np.array([0.4, 0.6, 0.6]), "b": np.array([0.6, 0.4, 0.6])}
    found = problem_kinds.tabulate_decisions(np.array([0, 1, 0]), models, task(BINARY, ("no", "yes")))
    assert sorted(found[["a", "b", "label", "right"]].values.tolist()) == [
        ["no", "yes", "no", "a"],
        ["yes", "no", "yes", "a"],
        ["yes", "yes", "no", "neither"],
    ]


def test_of_a_number_the_nearer_prediction_counts() -> None:
    models = {"a": np.array([1.0, 5.0, 2.0, 0.0]), "b": np.array([3.0, 2.0, 2.0, 9.0])}
    found = problem_kinds.tabulate_decisions(np.array([1.0, 1.0, 1.0, 1.0]), models, task(REGRESSION))
    assert found.set_index("nearer")["rows"].to_dict() == {"a": 2, "b": 1, "even": 1}


@pytest.mark.parametrize("problem", [BINARY, MULTICLASS, REGRESSION])
def test_every_kind_has_charts(problem: str) -> None:
    labels = LABELS if problem == MULTICLASS else np.array([0, 1, 1, 0])
    predictions = SHARES if problem == MULTICLASS else np.array([0.1, 0.8, 0.6, 0.4])
    chart = problem_kinds.plot_models(labels, {"a": predictions, "b": predictions}, task(problem)).to_dict()
    assert len(chart["hconcat"]) == {BINARY: 3, MULTICLASS: 2, REGRESSION: 2}[problem]
