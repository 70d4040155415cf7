"""Build, call and trace a task's model on made-up rows, before anything is analysed."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from pipelines.config import TrainerConfig
from pipelines.modeling.hyperparameters import read_committed
from pipelines.modeling.transformed_rows import TransformedRows, require_columns
from pipelines.task_check.preprocessing import CheckedPreprocessing
from pipelines.task_definition.problem import REGRESSION
from pipelines.task_definition.task import Task

_ROWS = 100
_STEPS = 2
_STRINGS = 10  # in each vocabulary


class ModelError(ValueError):
    """The model's output does not have the expected form."""


class _NotAnalysedError(Exception):
    """The task's training needs something that only an analysis gives."""


class _UnanalysedTransform(tft.TFTransformOutput):
    """A placeholder for the output of Transform, which only has vocabularies, each with ten strings."""

    def __init__(self) -> None:
        super().__init__("")

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") or name == "vocabulary_size_by_name":
            return super().__getattribute__(name)
        raise _NotAnalysedError(name)

    def vocabulary_size_by_name(self, vocab_filename: str) -> int:
        """Return the same size for any vocabulary."""
        return _STRINGS


def try_model(task: Task, checked: CheckedPreprocessing) -> keras.Model | None:
    """Train the task's committed architecture for two steps on made-up rows.

    Args:
        task: the task of the model.
        checked: the outputs of its preprocessing_fn.

    Returns:
        The model. None if the task has no Tuning to train with, or if its training reads the analysed graph: then the
        dry run on real rows is the first to build the model.

    Raises:
        ModelError: The output is not float32 [rows, outputs].
        TrainingError: A feature or the label is not [batch, n].
        Exception: Any error of the task's code.
    """
    if task.tuning is None:
        return None
    require_columns({name: output.shape[1:] for name, output in checked.outputs.items()})
    rows = _make_up_rows(task, checked)
    try:
        model = task.tuning.train(read_committed(task), rows, _UnanalysedTransform(), TrainerConfig(train_steps=_STEPS))
    except _NotAnalysedError:
        return None
    given = model({tensor.name: rows.features[tensor.name] for tensor in model.inputs}, training=False)
    if not tf.is_tensor(given):
        raise ModelError(
            f"the model: expected one tensor of outputs, received {len(given)} in a {type(given).__name__}; give it "
            "one output, float32 [batch, outputs]"
        )
    if given.dtype != tf.float32 or len(given.shape) != 2 or given.shape[0] != _ROWS:
        raise ModelError(
            f"the model: expected float32 [{_ROWS}, outputs] for {_ROWS} rows, received {given.dtype.name} "
            f"{list(given.shape)}; correct the shape and type of its last layer"
        )
    return model


def _make_up_rows(task: Task, checked: CheckedPreprocessing) -> TransformedRows:
    random = np.random.default_rng(1)
    features: dict[str, np.ndarray] = {}
    for name, output in checked.outputs.items():
        if output.dtype == tf.string or name == task.label:
            continue  # Models do not accept strings.
        shape = (_ROWS, *(size or 1 for size in output.shape[1:]))
        if output.dtype == tf.float32:
            features[name] = random.normal(size=shape).astype(np.float32)
        else:
            features[name] = random.integers(2, size=shape)  # Every category has at least these two ids.
    labels: np.ndarray
    if task.problem == REGRESSION:
        labels = random.normal(size=(_ROWS, 1)).astype(np.float32)
    else:
        labels = np.arange(_ROWS).reshape(-1, 1) % max(2, len(task.classes))
    return TransformedRows(features=features, labels=labels)
