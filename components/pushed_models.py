"""List the pushed models from ML Metadata, whether or not their versions still exist."""

import dataclasses
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.types.standard_artifacts import PushedModel

_PIPELINE = "pipeline"  # TFX's type of the context that holds everything that a pipeline made
_MODEL = "model"  # Pusher's input


@dataclasses.dataclass(frozen=True, kw_only=True)
class PushedVersion:
    """A push of a model."""

    model: str  # URI of the Model artifact
    version: str  # name of the version, digits


def list_pushed_models(
    store: mlmd.MetadataStore, pipeline: str, destination: Path | None = None
) -> list[PushedVersion]:
    """Return every push of a pipeline that put a version in place, the newest first.

    Pushes that ML Metadata marks as deleted are included: a later push replaces an earlier push's artifact, but its
    model remains.

    Args:
        store: ML Metadata.
        pipeline: name of the pipeline.
        destination: only pushes to this folder of versions; None: to any.
    """
    context = store.get_context_by_type_and_name(_PIPELINE, pipeline)
    pushes = {
        artifact.id: artifact.custom_properties["pushed_version"].string_value
        for artifact in (store.get_artifacts_by_context(context.id) if context is not None else ())
        if artifact.type == PushedModel.TYPE_NAME
        and artifact.custom_properties["pushed"].int_value == 1
        and (destination is None or _place(artifact) == destination.resolve())
    }
    events = store.get_events_by_artifact_ids(sorted(pushes)) if pushes else []
    makers: dict[int, int] = {}  # execution -> push
    for event in events:
        if event.type == metadata_store_pb2.Event.OUTPUT:
            makers.setdefault(event.execution_id, event.artifact_id)
    models: dict[int, int] = {}  # push -> model
    for event in store.get_events_by_execution_ids(sorted(makers)) if makers else ():
        if event.type == metadata_store_pb2.Event.INPUT and event.path.steps[0].key == _MODEL:
            models[makers[event.execution_id]] = event.artifact_id
    found = store.get_artifacts_by_id(sorted(set(models.values()))) if models else []
    folders = {model.id: model.uri for model in found}
    return [
        PushedVersion(model=folders[models[push]], version=pushes[push])
        for push in sorted(pushes, reverse=True)
        if models.get(push) in folders
    ]


def name_models(store: mlmd.MetadataStore, pipeline: str, destination: Path | None = None) -> dict[str, str]:
    """Return the newest version name of each model that a pipeline pushed, by the model's URI.

    Args:
        store: ML Metadata.
        pipeline: name of the pipeline.
        destination: only pushes to this folder of versions; None: to any.
    """
    return {push.model: push.version for push in reversed(list_pushed_models(store, pipeline, destination))}


def _place(push: metadata_store_pb2.Artifact) -> Path:
    """Return the folder of versions that a push went to."""
    return Path(push.custom_properties["pushed_destination"].string_value).parent.resolve()
