"""Make and expand pointers: artifacts that name other artifacts and hold no files themselves.

A task of Kubeflow Pipelines always outputs exactly one artifact per output. So a lookup outputs a pointer to none, one
or several artifacts of earlier runs. `expand` replaces pointers with these before a node reads its inputs, so that
other nodes need not handle pointers.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx.types.artifact import Artifact

POINTS_TO = "points_to"  # custom property of a pointer: JSON, a list of results of `describe`


def describe(artifact: Artifact) -> dict[str, Any]:
    """Return an artifact's URI, and its properties as Kubeflow Pipelines' metadata, for JSON."""
    declared = {name: getattr(artifact, name) for name in artifact.mlmd_artifact.properties}
    custom = {
        name: _read_custom_property(artifact, name)
        for name in artifact.mlmd_artifact.custom_properties
        if name not in declared
    }
    return {"uri": artifact.uri, "metadata": custom | declared}


def _read_custom_property(artifact: Artifact, name: str) -> Any:
    # get_custom_property alone would return None for a JSON value of 0.
    found = artifact.get_json_value_custom_property(name)
    return artifact.get_custom_property(name) if found is None else found


def point(pointer: Artifact, targets: Iterable[Mapping[str, Any]]) -> None:
    """Make an artifact a pointer.

    Args:
        pointer: an output of a lookup.
        targets: results of `describe`, one for each artifact.
    """
    pointer.set_string_custom_property(POINTS_TO, json.dumps(list(targets)))


def expand(inputs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a node's inputs with each pointer replaced by its targets; an input that points to nothing is left out.

    Args:
        inputs: `inputs.artifacts` of an ExecutorInput: input -> {"artifacts": [RuntimeArtifact]}, as JSON.
    """
    found = {name: [one for each in given["artifacts"] for one in _targets(each)] for name, given in inputs.items()}
    return {name: {"artifacts": artifacts} for name, artifacts in found.items() if artifacts}


def _targets(artifact: Mapping[str, Any]) -> list[dict[str, Any]]:
    text = artifact.get("metadata", {}).get(POINTS_TO)
    if text is None:
        return [dict(artifact)]
    # TFX derives the id from the name, and the URI differs for each artifact.
    return [{**target, "name": target["uri"], "type": artifact["type"]} for target in json.loads(text)]
