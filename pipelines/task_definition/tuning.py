"""Define Tuning, the record of what a task provides for a search of its hyperparameters."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tuning:
    """What a search for hyperparameters needs to know of a task's model.

    Functions are passed as functions. The search in a TFX component imports them by their names.
    """

    # Frozen dataclass of int, float, str and bool without defaults, one field for each key of the task's file. It has
    # `seed` (int), which differs between trainings that are compared, and `architecture` (str), one of `architectures`.
    hyperparameters: type[Any]
    # (space, committed) -> None. Registers the values to search for committed.architecture, each with the committed
    # value as its default. A value that it does not register keeps its committed value.
    search_space: Callable[[keras_tuner.HyperParameters, Any], None]
    # (hyperparameters, rows, transform, settings, *, callbacks) -> model. Trains as run_fn does, on TransformedRows of
    # pipelines.modeling.transformed_rows, with the TFTransformOutput that made them and a TrainerConfig.
    # The model returns [rows, outputs].
    train: Callable[..., keras.Model]
    architectures: tuple[str, ...]  # the approaches that a portfolio compares


def to_json(tuning: Tuning) -> dict[str, Any]:
    """Return a record for JSON, with the module and name of each function."""
    named = (tuning.hyperparameters, tuning.search_space, tuning.train)
    paths = [[item.__module__, item.__qualname__] for item in named]
    return {"code": paths, "architectures": list(tuning.architectures)}


def from_json(record: dict[str, Any]) -> Tuning:
    """Make a Tuning of a record of `to_json`: import its functions."""
    code = [getattr(importlib.import_module(module), name) for module, name in record["code"]]
    return Tuning(
        hyperparameters=code[0],
        search_space=code[1],
        train=code[2],
        architectures=tuple(record["architectures"]),
    )
