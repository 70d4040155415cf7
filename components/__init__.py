"""TFX components of this project, for example two gates, an atomic Pusher, and an ExampleGen that checks CSV rows."""

import importlib
from typing import Any

# Kubeflow Pipelines and Vertex AI name an artifact type of ours by its title, which may hold one dot and which TFX
# imports: `components.DataBlessing`. The import is by a computed name, so that components.artifacts is not part of
# every component's source digest.
_ARTIFACT_TYPES = ("DataBlessing", "ModelComparison")


def __getattr__(name: str) -> Any:
    if name in _ARTIFACT_TYPES:
        return getattr(importlib.import_module("components.artifacts"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
