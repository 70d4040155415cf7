"""Clean ML Metadata before a run: mark interrupted executions as failed, and take replaced pushes out of the cache."""

import errno
import shutil
import time
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.types.standard_artifacts import PushedModel

from components.pusher.versions import newest_version, same_files
from pipelines.metadata_database import connect, has_metadata
from pipelines.runner.node_outputs import list_executions

_LAST_WRITES = 10.0  # seconds
_UNFINISHED = (metadata_store_pb2.Execution.NEW, metadata_store_pb2.Execution.RUNNING)


def open_metadata_store(database: Path) -> MetadataStore:
    """Open the ML Metadata database, and create it if it does not exist."""
    return MetadataStore(connect(database))


def clear_interrupted_executions(database: Path, artifacts: Path) -> list[str]:
    """Mark the executions that a killed run left open as failed, and remove what they had written.

    Call it only while holding the folder's lock (see pipelines.runner.lock): then no execution can be running.

    Args:
        database: the SQLite file of ML Metadata; nothing is done if there is no database yet.
        artifacts: the folder that has one folder for each pipeline.

    Returns:
        The ids of the nodes, in the order in which they began.
    """
    if not has_metadata(database):
        return []
    store = open_metadata_store(database)
    unfinished = [execution for execution in store.get_executions() if execution.last_known_state in _UNFINISHED]
    return _clear(store, unfinished, artifacts)


def clear_interrupted_node(database: Path, artifacts: Path, pipeline: str, run_id: str, node: str) -> None:
    """Mark the open executions of one node of one run as failed, and remove what they had written.

    Other processes may run other nodes meanwhile. Call it only while holding the node's lock.

    Args:
        database: the SQLite file of ML Metadata; nothing is done if there is no database yet.
        artifacts: the folder that has one folder for each pipeline.
        pipeline: the pipeline's name.
        run_id: the run's id.
        node: the node's id.
    """
    if has_metadata(database):
        store = open_metadata_store(database)
        executions = list_executions(store, pipeline, run_id, node)
        _clear(store, [one for one in executions if one.last_known_state in _UNFINISHED], artifacts)


def _clear(store: MetadataStore, unfinished: list[metadata_store_pb2.Execution], artifacts: Path) -> list[str]:
    nodes = [_find_node(store, execution) for execution in unfinished]
    for execution, (pipeline, node) in zip(unfinished, nodes, strict=True):
        folder = artifacts / pipeline / node
        # TFX's folders of outputs (<key>/<execution>), scratch (.system/<kind>/<execution>) and state (…/<run>).
        for pattern in (f"*/{execution.id}", f".system/*/{execution.id}", ".system/stateful_working_dir/*"):
            for leftover in folder.glob(pattern):
                _remove(leftover)
        execution.last_known_state = metadata_store_pb2.Execution.FAILED
    if unfinished:
        store.put_executions(unfinished)
    return [node for _, node in nodes]


def invalidate_displaced_pushes(database: Path, artifacts: Path) -> list[str]:
    """Take a push out of the cache if its version is no longer the newest in its folder, or its files have changed.

    Pusher's cache key does not depend on the content of the folder that it pushes to. Without this, a push from the
    cache would not bring back a version that was deleted, or that another push has followed.

    Args:
        database: the SQLite file of ML Metadata; nothing is done if there is no database yet.
        artifacts: the folder of the pipeline's artifacts.

    Returns:
        The versions whose pushes were taken out of the cache.
    """
    if not has_metadata(database):
        return []
    store = open_metadata_store(database)
    displaced = []
    for push in store.get_artifacts_by_type(PushedModel.TYPE_NAME):
        version, copy = push.custom_properties["pushed_version"].string_value, Path(push.uri)
        place = Path(push.custom_properties["pushed_destination"].string_value)
        if push.state != metadata_store_pb2.Artifact.LIVE or not version or not copy.is_relative_to(artifacts):
            continue
        if version != str(newest_version(place.parent)) or not same_files(copy, place):
            push.state = metadata_store_pb2.Artifact.DELETED
            displaced.append(push)
    store.put_artifacts(displaced)
    for push in displaced:
        shutil.rmtree(push.uri, ignore_errors=True)
    return [push.custom_properties["pushed_version"].string_value for push in displaced]


def _remove(folder: Path) -> None:
    """Remove a folder. Try for 10 s, since a child process of the killed node may still write to it.

    Raises:
        OSError: It cannot be removed, or is still written to after that.
    """
    deadline = time.monotonic() + _LAST_WRITES
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _find_node(store: MetadataStore, execution: metadata_store_pb2.Execution) -> tuple[str, str]:
    """Return the pipeline and the node of an execution: TFX names its node context `<pipeline>.<node>`."""
    names = [context.name for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    pipeline, _, node = names[0].partition(".")
    return pipeline, node
