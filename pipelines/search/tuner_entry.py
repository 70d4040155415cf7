"""Where TFX's Tuner enters: it searches with what the task provides."""

import dataclasses
from pathlib import Path
from typing import Any

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.source_digest import source_digest
from pipelines.config import TrainerConfig, TunerConfig
from pipelines.modeling.fitting import read_rows
from pipelines.modeling.hyperparameters import checked, read_hyperparameters
from pipelines.search import search
from pipelines.task_definition import tuning
from pipelines.task_definition.task import Task


def custom_config(task: Task, settings: TrainerConfig, budget: TunerConfig) -> dict[str, Any]:
    """What Tuner is told, beside its inputs; all of it is part of the cache key.

    Raises:
        HyperparameterError: The task's file cannot be used.
    """
    assert task.tuning is not None  # PipelineConfig saw to it,
    assert task.hyperparameters is not None  # and Task to this.
    committed = read_hyperparameters(task.hyperparameters, task.tuning.hyperparameters)
    return {
        "tuning": tuning.names(task.tuning),
        "problem": task.problem,
        "label": task.label,
        "committed": dataclasses.asdict(committed),
        "settings": dataclasses.asdict(settings),
        "budget": dataclasses.asdict(budget),
        "code_digest": source_digest(search, task.tuning.search_space, task.tuning.train),
    }


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """What Tuner runs.

    Raises:
        HyperparameterError: The committed values are not what the task's dataclass allows.
        TrainingError: There are no rows to train on.
    """
    told = fn_args.custom_config
    found = tuning.by_names(told["tuning"])
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    material = search.Material(
        tuning=found,
        problem=told["problem"],
        rows=read_rows(fn_args.train_files, transform, told["label"]),
        transform=transform,
        settings=TrainerConfig(**told["settings"]),
    )
    committed = checked(told["committed"], found.hyperparameters, "the committed values")
    tuner = search.Search(material, committed, TunerConfig(**told["budget"]), Path(fn_args.working_dir) / "tuner")
    return TunerFnResult(tuner=tuner, fit_kwargs={"verbose": 0})
