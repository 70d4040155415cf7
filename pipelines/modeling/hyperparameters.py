"""Read hyperparameters from a task's TOML file, check them with the task's dataclass, and pass them to the Trainer.

The file holds the committed values. The dataclass has the keys, types and bounds, and no values. TFX's Trainer reads
the artifact as the config of a KerasTuner HyperParameters, whether it was made from the file or by a search.
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

ARTIFACT_FILE = "best_hyperparameters.txt"  # the name that TFX's Tuner uses
HyperparameterValue = int | float | str | bool
Record = TypeVar("Record")  # a frozen dataclass, one field for each hyperparameter


class HyperparameterError(TableError):
    """Hyperparameters are not valid."""


def read_hyperparameters(path: Path, record: type[Record]) -> Record:
    """Return the hyperparameters in a task's file.

    Raises:
        HyperparameterError: The file is not TOML, or does not hold exactly the fields of `record` with allowed values.
    """
    return parse_hyperparameters(_toml(path), record, str(path))


def read_committed(task: Task) -> Any:
    """Return the hyperparameters in the file of a task that has a tuning.

    Raises:
        HyperparameterError: The file is not valid, or the task has no such architecture.
    """
    assert task.hyperparameters is not None  # Task requires it with a tuning.
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
    """Return the hyperparameters that the Trainer received in `fn_args.hyperparameters`.

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
    """Return the config of a KerasTuner HyperParameters in which every value is fixed."""
    fixed = keras_tuner.HyperParameters()
    for name, value in values.items():
        fixed.Fixed(name, value)
    config: dict[str, Any] = fixed.get_config()
    return config


def hyperparameters_copy(task: Task, var: Path) -> Path | None:
    """Write the task's committed values below `var` in the form that the Trainer reads.

    The folder's name is a digest of the values. The Importer identifies the artifact by its path, so a changed value
    makes a new artifact and a changed comment does not.

    Returns:
        The folder, or None if the task has no hyperparameters.

    Raises:
        HyperparameterError: The file is not valid.
    """
    if task.hyperparameters is None:
        return None
    values = _toml(task.hyperparameters) if task.tuning is None else dataclasses.asdict(read_committed(task))
    text = json.dumps(as_config(values))
    folder = var / "hyperparameters" / task.name / hashlib.sha256(text.encode()).hexdigest()[:16]
    temporary = folder.with_suffix(".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    (temporary / ARTIFACT_FILE).write_text(text)
    # A cached run compares the folder's content with its digest, so a copy that was edited must not be restored.
    if folder.exists():
        shutil.rmtree(temporary)
    else:
        temporary.rename(folder)
    return folder


def parse_hyperparameters(values: Mapping[str, Any], record: type[Record], where: str) -> Record:
    """Return the record of plain values.

    Args:
        values: by name.
        record: a dataclass whose fields are int, float, str or bool; an integer is accepted for a float.
        where: name of the source in messages.

    Raises:
        HyperparameterError: A name is unknown or missing, a type is wrong, or the record refuses a value.
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
