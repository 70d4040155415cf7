"""Find out whether an artifact was made only by experiments; later runs are not compared with such artifacts."""

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

EXPERIMENT_CONTEXT = "experiment"  # type of the context of all executions of an experiment, with its name
_MADE = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INTERNAL_OUTPUT)


def is_made_by_experiments_alone(store: mlmd.MetadataStore, artifact_id: int) -> bool:
    """Return whether every execution that made an artifact, or took it from the cache, belongs to an experiment."""
    events = store.get_events_by_artifact_ids([artifact_id])
    makers = {event.execution_id for event in events if event.type in _MADE}
    return bool(makers) and all(_is_of_experiment(store, maker) for maker in makers)


def _is_of_experiment(store: mlmd.MetadataStore, execution_id: int) -> bool:
    return any(context.type == EXPERIMENT_CONTEXT for context in store.get_contexts_by_execution(execution_id))
