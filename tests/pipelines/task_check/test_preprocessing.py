"""Each mistake in preprocessing_fn is told in the words of whoever made it, without a row."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipelines.runner import local_run
from pipelines.task_check.preprocessing import CheckedPreprocessing, check_preprocessing
from pipelines.task_check.raw_columns import PreprocessingError
from pipelines.task_definition.task import Task
from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Computed
from pipelines.tasks.taxi.kinds.scaled import Scaled
from pipelines.tasks.taxi.task import TASK as TAXI
from tests.runs.in_process import run_here
from tests.tasks.diabetes.preprocessing import preprocessing_fn
from tests.tasks.diabetes.task import TASK

Columns = dict[str, Any]
CONTRACT = r"the contract \(tests/tasks/diabetes/schema\.pbtxt\)"


def with_output(compute: Callable[[Columns], tf.Tensor]) -> Task:
    """The diabetes task with one more feature, `extra`."""

    def extended(inputs: Columns) -> dict[str, tf.Tensor]:
        return {**preprocessing_fn(inputs), "extra": compute(inputs)}

    return dataclasses.replace(TASK, preprocessing_fn=extended)


def of_text(inputs: Columns) -> tf.Tensor:
    return tf.cast(inputs["sex"], tf.float32)


@pytest.mark.parametrize("task", [TASK, TAXI], ids=["diabetes", "taxi"])
def test_what_is_in_order_passes(task: Task) -> None:
    found = check_preprocessing(task)
    assert task.label in found.outputs
    assert len(found.columns) > 10


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda inputs: inputs["bm"], rf"reads raw column 'bm', which {CONTRACT} does not have: did you mean 'bmi'\? "),
        (of_text, rf"feature extra: raw column 'sex' is used as a number \(tests/.*, line \d+\), and {CONTRACT} says"),
        (
            lambda inputs: tft.scale_to_z_score(tf.sqrt(inputs["sex"])),
            r"The last raw column that it read is 'sex', which is text in the contract: use it as a category",
        ),
        (lambda inputs: inputs["age"] > 3, r"feature extra: .* received bool; cast it there: tf\.cast\(…, tf\.int64\)"),
        (
            lambda inputs: tf.cast(inputs["age"], tf.float64),
            r"feature extra: .* received float64; cast it there: tf\.cast\(…, tf\.float32\)",
        ),
        (
            lambda inputs: inputs["age"] * tf.constant(2, tf.float64),
            r"TypeError: .*test_preprocessing\.py, line \d+\)\. Cast .* there, as in tf\.cast\(…, tf\.float32",
        ),
        (lambda inputs: 1 // 0, r"fails before it sees a row: ZeroDivisionError: .* \(tests/.*test_preprocessing\.py"),
    ],
    ids=["name", "text cast", "text computed", "bool", "float64", "two types", "any other error"],
)
def test_a_mistake_is_told(compute: Callable[[Columns], tf.Tensor], message: str) -> None:
    with pytest.raises(PreprocessingError, match=message):
        check_preprocessing(with_output(compute))


def test_all_that_is_wrong_is_told_at_once() -> None:
    def unlabelled(inputs: Columns) -> dict[str, tf.Tensor]:
        return {"old": inputs["age"] > 50, "woman": tf.cast(inputs["sex"], tf.int64)}

    with pytest.raises(PreprocessingError) as caught:
        check_preprocessing(dataclasses.replace(TASK, preprocessing_fn=unlabelled))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "raw column 'sex' is used as a number" in lines[0]
    assert "feature old: expected float32, int64 or string" in lines[1]
    assert "gives no label 'target': expected it among what it returns, received old, woman" in lines[2]


def test_what_is_no_dictionary() -> None:
    with pytest.raises(PreprocessingError, match=r"expected a dictionary of transformed features, received \w+"):
        check_preprocessing(dataclasses.replace(TASK, preprocessing_fn=lambda inputs: inputs["age"]))


def test_code_may_catch_that_a_column_is_not_there() -> None:
    def either(inputs: Columns) -> tf.Tensor:
        try:
            return inputs["weight"]
        except KeyError:
            return inputs["bmi"]

    assert "bmi" in check_preprocessing(with_output(either)).columns


def taxi_with(monkeypatch: pytest.MonkeyPatch, feature: ft.Feature) -> Task:
    """The taxi task with one more record; those of its kind are computed together."""
    monkeypatch.setattr(ft, "FEATURES", (*ft.FEATURES, feature))
    return dataclasses.replace(TAXI, feature_columns={each.name: each.columns for each in ft.FEATURES})


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("fares", r"^feature extra reads raw column 'fares', which .* does not have: did you mean 'fare'\?"),
        (
            "company",
            r"^feature extra: raw column 'company' is used as a number \(pipelines/tasks/taxi/columns\.py, line",
        ),
        ("tips", r"^feature extra reads raw column 'tips', which is not available in SERVING"),
        (
            Computed(of=("fare", "tips"), by=tf.math.divide_no_nan),
            r"^feature extra reads raw column 'tips', which is not",
        ),
        (
            Computed(of=("fare", "trip_miles"), by=lambda fare, miles: fare / tf.cast(miles, tf.float32)),
            r"TypeError: .*Cast one of the two there, as in tf\.cast\(…, tf\.float\d\d\)\.$",
        ),
    ],
)
def test_the_feature_is_named_among_those_of_its_kind(
    monkeypatch: pytest.MonkeyPatch, source: str | Computed, message: str
) -> None:
    with pytest.raises(PreprocessingError, match=message) as caught:
        check_preprocessing(taxi_with(monkeypatch, Scaled(name="extra", source=source)))
    assert "\n" not in str(caught.value)


def test_an_output_for_training_alone_is_no_mistake() -> None:
    """Only features that the task declares are what a model takes; a weight of rows may need the label's column."""
    task = with_output(lambda inputs: tf.cast(inputs["target"], tf.float32) / 2)
    assert "extra" in check_preprocessing(task).outputs


@pytest.mark.slow
def test_a_run_ends_before_its_first_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"sex": ("sex",), "extra": ("target",)}
    broken = dataclasses.replace(with_output(lambda inputs: inputs["target"] * 2), feature_columns=columns)
    monkeypatch.setattr(local_run, "load_task", lambda name: broken)
    run = run_here(tmp_path)
    assert run.status == 1
    assert run.summary["nodes"] == []
    assert "feature extra reads raw column 'target', which is not available in SERVING" in run.terminal


def test_a_stacked_output_counts_as_in_a_run() -> None:
    shapes = {"numbers": [None, 4], "label": [None, 1], "flat": [None], "unknown": None}
    outputs = {name: tf.TensorSpec(shape, tf.float32) for name, shape in shapes.items()}
    assert CheckedPreprocessing(outputs=outputs, columns=frozenset()).features == 7
