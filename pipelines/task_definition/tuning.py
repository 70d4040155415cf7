"""Tuning: what a task provides so that its hyperparameters can be searched, and nothing else."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import keras
import keras_tuner


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tuning:
    """How the generic search sees a task's model.

    Functions are passed as functions: the search runs in a TFX component too, which finds them again by their names.
    """

    # Frozen dataclass of int, float, str and bool without defaults, one field for each key of the task's file. It has
    # `seed` (int), which the trainings that are compared vary, and `architecture` (str), one of `architectures`.
    hyperparameters: type[Any]
    # (space, committed) -> None. Registers what is searched, for committed.architecture, each with the committed value
    # as its default; what it does not register keeps its committed value.
    search_space: Callable[[keras_tuner.HyperParameters, Any], None]
    # (hyperparameters, rows, transform, settings, *, callbacks) -> model. Trains as run_fn does, on TransformedRows of
    # pipelines.modeling.transformed_rows, with the TFTransformOutput that made them and a TrainerConfig.
    # The model gives [rows, outputs].
    train: Callable[..., keras.Model]
    architectures: tuple[str, ...]  # the approaches that a portfolio compares


def to_json(tuning: Tuning) -> dict[str, Any]:
    """Name the functions, as JSON can hold them."""
    named = (tuning.hyperparameters, tuning.search_space, tuning.train)
    paths = [[item.__module__, item.__qualname__] for item in named]
    return {"code": paths, "architectures": list(tuning.architectures)}


def from_json(record: dict[str, Any]) -> Tuning:
    """Find the functions again that `to_json` named."""
    code = [getattr(importlib.import_module(module), name) for module, name in record["code"]]
    return Tuning(
        hyperparameters=code[0],
        search_space=code[1],
        train=code[2],
        architectures=tuple(record["architectures"]),
    )
