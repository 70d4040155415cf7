"""Run a search of the task's hyperparameters as the entry point of TFX's Tuner."""

import dataclasses
import os
from typing import Any

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.source_digest import source_digest
from pipelines.config import TrainerConfig, TunerConfig
from pipelines.modeling.hyperparameters import parse_hyperparameters, read_committed
from pipelines.modeling.transformed_rows import read_rows
from pipelines.search import search
from pipelines.task_definition import tuning
from pipelines.task_definition.task import Task


def custom_config(task: Task, settings: TrainerConfig, budget: TunerConfig) -> dict[str, Any]:
    """Return the Tuner's custom_config; all of it is part of the cache key.

    Raises:
        HyperparameterError: The task's file is not valid.
    """
    assert task.tuning is not None  # resolution.require_tuning has checked it.
    committed = read_committed(task)
    return {
        "tuning": tuning.to_json(task.tuning),
        "problem": task.problem,
        "label": task.label,
        "committed": dataclasses.asdict(committed),
        "settings": dataclasses.asdict(settings),
        "budget": dataclasses.asdict(budget),
        "code_digest": source_digest(search, task.tuning.search_space, task.tuning.train),
    }


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Return the tuner that TFX's Tuner runs.

    Raises:
        HyperparameterError: The committed values are not valid for the task's dataclass.
        TrainingError: There are no rows to train on.
    """
    config = fn_args.custom_config
    task_tuning = tuning.from_json(config["tuning"])
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    inputs = search.SearchInputs(
        tuning=task_tuning,
        problem=config["problem"],
        rows=read_rows(fn_args.train_files, transform, config["label"]),
        transform=transform,
        settings=TrainerConfig(**config["settings"]),
    )
    committed = parse_hyperparameters(config["committed"], task_tuning.hyperparameters, "the committed values")
    directory = os.path.join(fn_args.working_dir, "tuner")  # below the pipeline root; KerasTuner takes any URI
    tuner = search.SearchTuner(inputs, committed, TunerConfig(**config["budget"]), directory)
    return TunerFnResult(tuner=tuner, fit_kwargs={"verbose": 0})
