"""Hyperparameters: read from a task's TOML file, checked by the task's own dataclass, handed to Trainer as an artifact.

The file holds the values that somebody committed; the dataclass says which keys there are, of which types and within
which bounds, and holds no values itself. TFX's Trainer reads the artifact as the config of a KerasTuner
HyperParameters, whether the file or a search wrote it.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras_tuner

from pipelines.task_definition import toml_table
from pipelines.task_definition.task import Task
from pipelines.task_definition.toml_table import TableError
from serving.did_you_mean import closest

ARTIFACT_FILE = "best_hyperparameters.txt"  # what TFX's Tuner calls it
HyperparameterValue = int | float | str | bool
Record = TypeVar("Record")  # a frozen dataclass, one field for each hyperparameter


class HyperparameterError(TableError):
    """Hyperparameters cannot be used."""


def read_hyperparameters(path: Path, record: type[Record]) -> Record:
    """Read a task's file.

    Raises:
        HyperparameterError: It is not TOML, or does not hold the fields of `record`, all of them, with allowed values.
    """
    return parse_hyperparameters(_toml(path), record, str(path))


def read_committed(task: Task) -> Any:
    """Read the values that a task's file holds, into the record of its Tuning, which it must have.

    Raises:
        HyperparameterError: The file cannot be used, or names an architecture that the task has not.
    """
    assert task.hyperparameters is not None  # Task saw to it.
    assert task.tuning is not None
    committed = read_hyperparameters(task.hyperparameters, task.tuning.hyperparameters)
    known = task.tuning.architectures
    if committed.architecture not in known:
        close = closest(committed.architecture, known)
        raise HyperparameterError(
            f"{task.hyperparameters}: architecture: expected one of {', '.join(known)}, received "
            f"{committed.architecture!r}" + (f"; did you mean {close!r}?" if close else "")
        )
    return committed


def from_config(config: Mapping[str, Any] | None, record: type[Record]) -> Record:
    """Read the hyperparameters that Trainer was given, from `fn_args.hyperparameters`.

    Raises:
        HyperparameterError: There are none, or they are not exactly the fields of `record`.
    """
    if config is None:
        raise HyperparameterError(
            "Trainer was given no hyperparameters: expected those that the task's file holds, received none; build the "
            "PipelineConfig with hyperparameters=hyperparameters_copy(task, var)."
        )
    return parse_hyperparameters(config["values"], record, "the hyperparameters that Trainer was given")


def as_config(values: Mapping[str, HyperparameterValue]) -> dict[str, Any]:
    """Make the config of a KerasTuner HyperParameters in which every value is fixed."""
    fixed = keras_tuner.HyperParameters()
    for name, value in values.items():
        fixed.Fixed(name, value)
    config: dict[str, Any] = fixed.get_config()
    return config


def hyperparameters_copy(task: Task, var: Path) -> Path | None:
    """Write the task's committed values below `var` as Trainer reads them, and returns the folder.

    Its name changes with the values: Importer's artifact is known by its path, so an edit of a value is noticed, and
    one of a comment changes nothing.

    Returns:
        None where the task has no such file.

    Raises:
        HyperparameterError: The file cannot be used.
    """
    if task.hyperparameters is None:
        return None
    values = _toml(task.hyperparameters) if task.tuning is None else dataclasses.asdict(read_committed(task))
    text = json.dumps(as_config(values))
    folder = var / "hyperparameters" / task.name / hashlib.sha256(text.encode()).hexdigest()[:16]
    beside = folder.with_suffix(".tmp")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    (beside / ARTIFACT_FILE).write_text(text)
    # What a cached run finds there is held against its digest, so a copy that somebody edited must not be mended.
    if folder.exists():
        shutil.rmtree(beside)
    else:
        beside.rename(folder)
    return folder


def parse_hyperparameters(values: Mapping[str, Any], record: type[Record], where: str) -> Record:
    """Make the record of plain values.

    Args:
        values: by name.
        record: a dataclass whose fields are int, float, str or bool; a whole number will do for a float.
        where: what to call the values in a message.

    Raises:
        HyperparameterError: A name is unknown or lacking, a type is another, or the record refuses a value.
    """
    try:
        return toml_table.as_record(values, record, where)
    except TableError as error:
        raise HyperparameterError(str(error)) from error


def _toml(path: Path) -> dict[str, Any]:
    try:
        return toml_table.read_table(path)
    except TableError as error:
        raise HyperparameterError(str(error)) from error
