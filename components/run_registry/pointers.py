"""Pointers: an artifact of a lookup names the artifacts that it found, and holds no files itself.

A task of Kubeflow Pipelines gives one artifact for each output, always. A pointer stands for none, one or several of
earlier runs. `expand` puts those in its place before a node reads its inputs: no other node knows of pointers.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.types.artifact import Artifact

POINTS_TO = "points_to"  # custom property of a pointer: JSON, a list of what `describe` gives


def describe(artifact: Artifact) -> dict[str, Any]:
    """Returns an artifact as JSON: its URI, and its properties as Kubeflow Pipelines' metadata."""
    declared = {name: getattr(artifact, name) for name in artifact.mlmd_artifact.properties}
    custom = {
        name: _read_custom_property(artifact, name)
        for name in artifact.mlmd_artifact.custom_properties
        if name not in declared
    }
    return {"uri": artifact.uri, "metadata": custom | declared}


def _read_custom_property(artifact: Artifact, name: str) -> Any:
    # Of what came as JSON, get_custom_property takes 0 for nothing.
    found = artifact.get_json_value_custom_property(name)
    return artifact.get_custom_property(name) if found is None else found


def point(pointer: Artifact, targets: Iterable[Mapping[str, Any]]) -> None:
    """Makes an artifact a pointer.

    Args:
        pointer: an output of a lookup.
        targets: what `describe` gave of each.
    """
    pointer.set_string_custom_property(POINTS_TO, json.dumps(list(targets)))


def expand(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Puts in the place of each pointer what it points to; an input that points to nothing is left out.

    Args:
        inputs: `inputs.artifacts` of an ExecutorInput: input -> {"artifacts": [RuntimeArtifact]}, as JSON.
    """
    found = {name: [one for each in given["artifacts"] for one in _targets(each)] for name, given in inputs.items()}
    return {name: {"artifacts": artifacts} for name, artifacts in found.items() if artifacts}


def _targets(artifact: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = artifact.get("metadata", {}).get(POINTS_TO)
    if text is None:
        return [dict(artifact)]
    # The name decides the id that TFX makes up; the URI is the artifact's own.
    return [{**target, "name": target["uri"], "type": artifact["type"]} for target in json.loads(text)]
