"""Run the task's run_fn as the Trainer's entry point, and check that the exported model can be served."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

from tfx.components.trainer.fn_args_utils import FnArgs

from components.signatures import check_signatures
from components.source_digest import source_digest
from pipelines.config import TrainerConfig

_RUN_FN, _SETTINGS, _DIGEST = "run_fn", "settings", "code_digest"


def custom_config(run_fn: Callable[..., None], settings: TrainerConfig) -> dict[str, Any]:
    """Return the Trainer's custom_config; all of it is part of the cache key."""
    return {
        _RUN_FN: [run_fn.__module__, run_fn.__qualname__],
        _SETTINGS: dataclasses.asdict(settings),
        _DIGEST: source_digest(run_fn),
    }


def trainer_settings(fn_args: FnArgs) -> TrainerConfig:
    """Return the TrainerConfig of this run, for a task's run_fn."""
    return TrainerConfig(**fn_args.custom_config[_SETTINGS])


def run_fn(fn_args: FnArgs) -> None:
    """Train and export with the task's run_fn.

    Raises:
        SignatureError: The exported model lacks a signature that clients or gates need.
    """
    module, name = fn_args.custom_config[_RUN_FN]
    getattr(importlib.import_module(module), name)(fn_args)
    check_signatures(fn_args.serving_model_dir)
