"""Leaves no trace of a run that was cut off."""

import shutil
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.metadata import sqlite_metadata_connection_config

_UNFINISHED = (metadata_store_pb2.Execution.NEW, metadata_store_pb2.Execution.RUNNING)


def metadata_store(database: Path) -> MetadataStore:
    """Opens the ML Metadata database, creating it if need be."""
    return MetadataStore(sqlite_metadata_connection_config(str(database)))


def clear_interrupted(database: Path, artifacts: Path) -> list[str]:
    """Fails the executions that a killed run left open, and removes what they had begun to write.

    Only call it while holding the folder (see pipelines.lock): then no execution can really be going on.

    Args:
        database: the ML Metadata database; nothing is done when there is none yet.
        artifacts: the folder that holds one folder for each pipeline.

    Returns:
        The nodes, in the order in which they began.
    """
    if not database.exists():
        return []
    store = metadata_store(database)
    unfinished = [execution for execution in store.get_executions() if execution.last_known_state in _UNFINISHED]
    nodes = [_node(store, execution) for execution in unfinished]
    for execution, (pipeline, node) in zip(unfinished, nodes, strict=True):
        folder = artifacts / pipeline / node
        # Where TFX lays outputs (<key>/<execution>), scratch (.system/<kind>/<execution>) and state (…/<run>).
        for pattern in (f"*/{execution.id}", f".system/*/{execution.id}", ".system/stateful_working_dir/*"):
            for leftover in folder.glob(pattern):
                shutil.rmtree(leftover)
        execution.last_known_state = metadata_store_pb2.Execution.FAILED
    if unfinished:
        store.put_executions(unfinished)
    return [node for _, node in nodes]


def _node(store: MetadataStore, execution: metadata_store_pb2.Execution) -> tuple[str, str]:
    """(pipeline, node) that an execution belongs to: TFX names its node context `<pipeline>.<node>`."""
    names = [context.name for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    pipeline, _, node = names[0].partition(".")
    return pipeline, node
