"""Cleans ML Metadata before a run: interrupted executions fail, and displaced pushes leave the cache."""

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
    """Open the ML Metadata database, creating it if need be."""
    return MetadataStore(connect(database))


def clear_interrupted_executions(database: Path, artifacts: Path) -> list[str]:
    """Fail the executions that a killed run left open, and removes what they had begun to write.

    Only call it while holding the folder (see pipelines.runner.lock): then no execution can really be going on.

    Args:
        database: the ML Metadata database; nothing is done when there is none yet.
        artifacts: the folder that holds one folder for each pipeline.

    Returns:
        The nodes, in the order in which they began.
    """
    if not has_metadata(database):
        return []
    store = open_metadata_store(database)
    unfinished = [execution for execution in store.get_executions() if execution.last_known_state in _UNFINISHED]
    return _clear(store, unfinished, artifacts)


def clear_interrupted_node(database: Path, artifacts: Path, pipeline: str, run_id: str, node: str) -> None:
    """Do the same for one node of one run, while other processes may run others: only call it while holding the node.

    Args:
        database: the ML Metadata database; nothing is done when there is none yet.
        artifacts: the folder that holds one folder for each pipeline.
        pipeline: its name.
        run_id: of the run.
        node: its id.
    """
    if has_metadata(database):
        store = open_metadata_store(database)
        executions = list_executions(store, pipeline, run_id, node)
        _clear(store, [one for one in executions if one.last_known_state in _UNFINISHED], artifacts)


def _clear(store: MetadataStore, unfinished: list[metadata_store_pb2.Execution], artifacts: Path) -> list[str]:
    nodes = [_find_node(store, execution) for execution in unfinished]
    for execution, (pipeline, node) in zip(unfinished, nodes, strict=True):
        folder = artifacts / pipeline / node
        # Where TFX lays outputs (<key>/<execution>), scratch (.system/<kind>/<execution>) and state (…/<run>).
        for pattern in (f"*/{execution.id}", f".system/*/{execution.id}", ".system/stateful_working_dir/*"):
            for leftover in folder.glob(pattern):
                _remove(leftover)
        execution.last_known_state = metadata_store_pb2.Execution.FAILED
    if unfinished:
        store.put_executions(unfinished)
    return [node for _, node in nodes]


def invalidate_displaced_pushes(database: Path, artifacts: Path) -> list[str]:
    """Take pushes out of the cache whose version is not the newest where it was pushed, or is not what was pushed.

    Pusher's cache key knows nothing of what lies in the folder that it pushes to. Without this, a version that
    somebody deleted would be taken for pushed, and so would a model after another one was pushed over it.

    Args:
        database: the ML Metadata database; nothing is done when there is none yet.
        artifacts: of the pipeline.

    Returns:
        The versions that are out of place.
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
    """Remove a folder. What the killed node had started, such as a model server, may write there for a moment yet.

    Raises:
        OSError: It cannot be removed, or is written to for longer than that.
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
    """Find the pipeline and the node of an execution: TFX names its node context `<pipeline>.<node>`."""
    names = [context.name for context in store.get_contexts_by_execution(execution.id) if context.type == "node"]
    pipeline, _, node = names[0].partition(".")
    return pipeline, node
