"""Read the parameters of a run's nodes: settings, digests of code, hyperparameters, and the task's package."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from components.stacked_features import FEATURE_PARTS, Parts
from pipelines.nodes import TRAINER, TRANSFORM
from pipelines.runs.errors import RunError
from pipelines.runs.metadata import Metadata, Step

_DIGEST = "digest"  # ending of the names of digests of code
# Not parameters of the computation: locations, fingerprints and versions of the inputs, which are in the lineage.
_ABOUT_INPUTS = frozenset({"input_base", "input_fingerprint", "schema_file", "source_uri", "span", "version"})
_CUSTOM_CONFIG = "custom_config"
TRAINER_SETTINGS = f"{TRAINER}.{_CUSTOM_CONFIG}.settings."  # beginning of the names of Trainer's settings
_HYPERPARAMETERS, _VALUES = "hyperparameters", "values"


def read_parameters(steps: Iterable[Step]) -> dict[str, Any]:
    """Return all parameters of all nodes, by dotted name, such as "Trainer.custom_config.settings.train_steps"."""
    return {name: value for name, value in _flatten(steps) if not name.endswith(_DIGEST)}


def read_code_digests(steps: Iterable[Step]) -> dict[str, str]:
    """Return the digest of the code that each node ran."""
    return {name.partition(".")[0]: str(value) for name, value in _flatten(steps) if name.endswith(_DIGEST)}


def read_hyperparameters(steps: Iterable[Step], metadata: Metadata) -> dict[str, Any]:
    """Read the values in the HyperParameters artifact that Trainer read.

    Args:
        steps: the steps of a run.
        metadata: ML Metadata.

    Returns:
        The values by name; empty if Trainer read no such artifact.

    Raises:
        RunError: The artifact's file was removed.
    """
    for step in steps:
        for artifact in metadata.get_artifacts(step.inputs.get(_HYPERPARAMETERS, ()) if step.node == TRAINER else ()):
            files = sorted(path for path in artifact.path.glob("*") if path.is_file())
            if not files:
                raise RunError(f"the hyperparameters of run {step.run_id} are gone: expected a file in {artifact.uri}")
            return dict(json.loads(files[0].read_text())[_VALUES])  # KerasTuner's format
    return {}


def read_feature_parts(steps: Iterable[Step]) -> Parts:
    """Return the names of the columns of stacked transformed features; empty if none was stacked."""
    for step in steps:
        config = step.parameters.get(_CUSTOM_CONFIG)
        if step.node == TRANSFORM and isinstance(config, dict):
            return dict(config.get(FEATURE_PARTS, {}))
    return {}


def find_task_package(steps: Iterable[Step]) -> str | None:
    """Return the package of the task, which has the module of its preprocessing_fn; None if Transform did not run."""
    for step in steps:
        if function := step.parameters.get("preprocessing_fn"):
            return str(function).rpartition(".")[0].rpartition(".")[0]
    return None


def _flatten(steps: Iterable[Step]) -> Iterator[tuple[str, Any]]:
    for step in steps:
        for name, value in step.parameters.items():
            if name not in _ABOUT_INPUTS:
                yield from _flatten_value(f"{step.node}.{name}", value)


def _flatten_value(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            if key != FEATURE_PARTS:
                yield from _flatten_value(f"{name}.{key}", item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _flatten_value(f"{name}[{index}]", item)
    else:
        yield name, value
