"""TFX components that TFX itself lacks: two gates, an atomic pusher, and a CSV reader that fails on a bad row."""

import importlib
from typing import Any

# Kubeflow Pipelines and Vertex AI know an artifact type of ours by its title, which may hold one dot and which TFX
# imports: `components.DataBlessing`. By a computed name, so that the types are not part of every component's digest.
_ARTIFACT_TYPES = ("DataBlessing", "ModelComparison")


def __getattr__(name: str) -> Any:
    if name in _ARTIFACT_TYPES:
        return getattr(importlib.import_module("components.artifacts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
