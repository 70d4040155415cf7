"""Find in ML Metadata the model of each version that answered, and the rows and statistics that it was trained on."""

from collections.abc import Iterable
from pathlib import Path

from pipelines.nodes import STATISTICS_GEN, TRAINER, TRANSFORM
from pipelines.runs.errors import RunError
from pipelines.runs.metadata import Metadata

MODEL, EXAMPLES, STATISTICS = "model", "training_examples", "training_statistics"
_PUSHED = "PushedModel"  # artifact type


def find_artifacts(database: Path, task: str, versions: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Find the artifacts of each version.

    Args:
        database: of ML Metadata.
        task: that pushed the versions.
        versions: their names on the model server.

    Returns:
        version -> MODEL, EXAMPLES and STATISTICS -> URIs; empty for a version that was pushed elsewhere.
    """
    try:
        metadata = Metadata(database)
    except RunError:  # there is no database: every version was pushed elsewhere
        return {version: {} for version in versions}
    return {version: _artifacts_of(metadata, task, version) for version in versions}


def _artifacts_of(metadata: Metadata, task: str, version: str) -> dict[str, list[str]]:
    model = _find_model(metadata, task, version)
    trainer = None if model is None else metadata.find_producer(model)
    if model is None or trainer is None or trainer.node != TRAINER:
        return {}
    makers = [metadata.find_producer(id) for id in trainer.inputs.get("examples", ())]
    examples = sorted(
        {id for maker in makers if maker and maker.node == TRANSFORM for id in maker.inputs.get("examples", ())}
    )
    statistics = sorted(
        {
            id
            for example in examples
            for step in metadata.list_consumers(example)
            if step.node == STATISTICS_GEN and step.task == task
            for id in step.outputs.get("statistics", ())
        }
    )
    found = {MODEL: [model], EXAMPLES: examples, STATISTICS: statistics[:1]}
    return {key: [metadata.artifacts[id].uri for id in ids] for key, ids in found.items()}


def _find_model(metadata: Metadata, task: str, version: str) -> int | None:
    for artifact in metadata.artifacts.values():
        pushed = artifact.properties
        if artifact.type == _PUSHED and pushed.get("pushed") == 1 and str(pushed.get("pushed_version")) == version:
            step = metadata.find_producer(artifact.id)
            if step is not None and step.task == task:
                return next(iter(step.inputs.get("model", ())), None)
    return None
