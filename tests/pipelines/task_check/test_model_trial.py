"""A model that cannot be built, called or traced is told before anything is analysed."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf

from pipelines.modeling.transformed_rows import TrainingError
from pipelines.task_check.model_trial import ModelError, try_model
from pipelines.task_check.preprocessing import CheckedPreprocessing
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from pipelines.task_definition.task import Task
from pipelines.task_definition.tuning import Tuning
from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.task import TASK

CHECKED = CheckedPreprocessing(
    outputs={
        "numbers": tf.TensorSpec([None, 3], tf.float32),
        "codes": tf.TensorSpec([None, 1], tf.int64),
        "text": tf.TensorSpec([None, 1], tf.string),
        "answer": tf.TensorSpec([None, 1], tf.int64),
    },
    columns=frozenset(),
)


def task(train: Callable[..., Any], problem: str = BINARY, classes: tuple[str, ...] = ()) -> Task:
    tuning = Tuning(
        hyperparameters=Hyperparameters,
        search_space=lambda space, committed: None,
        train=train,
        architectures=("wide_and_deep",),
    )
    return dataclasses.replace(TASK, tuning=tuning, problem=problem, classes=classes, label="answer")


def model(outputs: int = 1, dtype: str = "float32") -> keras.Model:
    inputs = {"numbers": keras.Input((3,), name="numbers")}
    return keras.Model(inputs, keras.layers.Dense(outputs, dtype=dtype)(inputs["numbers"]))


@pytest.mark.parametrize(
    ("problem", "classes", "labels"),
    [(BINARY, (), {0, 1}), (MULTICLASS, ("a", "b", "c"), {0, 1, 2}), (REGRESSION, (), None)],
)
def test_trains_on_made_up_rows_of_the_features_shapes_and_types(
    problem: str, classes: tuple[str, ...], labels: set[int] | None
) -> None:
    seen: dict[str, Any] = {}

    def train(hyperparameters: object, rows: Any, transform: Any, settings: Any) -> keras.Model:
        seen.update(rows=rows, size=transform.vocabulary_size_by_name("any"), steps=settings.train_steps)
        return model()

    assert try_model(task(train, problem, classes), CHECKED) is not None
    shapes = {name: (values.shape, values.dtype.name) for name, values in seen["rows"].features.items()}
    assert shapes == {"numbers": ((100, 3), "float32"), "codes": ((100, 1), "int64")}
    assert (seen["size"], seen["steps"]) == (10, 2)
    assert labels is None or set(seen["rows"].labels[:, 0].tolist()) == labels
    assert labels is not None or seen["rows"].labels.dtype.name == "float32"


@pytest.mark.parametrize(("shape", "received"), [([None], "[batch]"), ([None, 3, 2], "[batch, 3, 2]")])
def test_refuses_a_feature_that_training_would_refuse(shape: list[int | None], received: str) -> None:
    checked = dataclasses.replace(CHECKED, outputs=CHECKED.outputs | {"numbers": tf.TensorSpec(shape, tf.float32)})
    with pytest.raises(TrainingError) as raised:
        try_model(task(lambda *given: model()), checked)
    assert str(raised.value).startswith(f"numbers: expected [batch, n] of preprocessing_fn, received {received}; give")


def test_an_error_of_the_tasks_code_comes_as_it_is() -> None:
    def train(*given: object) -> keras.Model:
        return keras.layers.Dense(0)(keras.Input((3,)))

    with pytest.raises(ValueError, match="units"):
        try_model(task(train), CHECKED)


def test_refuses_a_model_of_another_type() -> None:
    with pytest.raises(
        ModelError, match=r"expected float32 \[100, outputs\] for 100 rows, received float16 \[100, 1\]"
    ):
        try_model(task(lambda *given: model(dtype="float16")), CHECKED)


def test_refuses_several_outputs() -> None:
    one = model()
    with pytest.raises(ModelError, match=r"expected one tensor of outputs, received 2 in a list; give it one output"):
        try_model(task(lambda *given: keras.Model(one.input, [one.output, one.output])), CHECKED)


def test_does_not_pretend_to_know_what_an_analysis_finds() -> None:
    def train(hyperparameters: object, rows: object, transform: Any, settings: object) -> keras.Model:
        return model(outputs=len(transform.vocabulary_by_name("codes")))

    assert try_model(task(train), CHECKED) is None


def test_a_task_without_tuning_is_not_tried() -> None:
    assert try_model(dataclasses.replace(TASK, tuning=None), CHECKED) is None
