"""Remove what a plan lists; if it is killed, ML Metadata lists no removed artifact as existing.

Artifacts are first marked as deleted in ML Metadata, so that a run makes them again and never reads a partial folder.
Then each folder is renamed into a trash folder and removed there. The next removal deletes what a killed one left in
the trash folder.
"""

import shutil
import uuid
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2

from pipelines.retention.plan import ARTIFACTS, LOGS, RemovalPlan
from pipelines.runner.integrity import ArtifactDigests
from pipelines.runner.metadata_cleanup import open_metadata_store

_TRASH = ".trash"


def remove(var: Path, plan: RemovalPlan) -> None:
    """Remove what a plan lists. The caller must hold the folder's lock (see pipelines.runner.lock).

    Raises:
        FileNotFoundError: A folder of the plan does not exist any more.
        OSError: Something cannot be removed; the next removal removes it.
    """
    trash = var / _TRASH
    _empty(trash)
    _mark_deleted(var / "metadata.sqlite", [item.artifact for item in plan.remove if item.artifact is not None])
    trash.mkdir(parents=True, exist_ok=True)
    for item in plan.remove:
        try:
            item.path.rename(trash / uuid.uuid4().hex)
        except FileNotFoundError:
            if item.kind != LOGS:  # A gateway removes old files of its log without a lock.
                raise
    _forget_digests(var, [item.path for item in plan.remove if item.kind == ARTIFACTS])
    _empty(trash)


def _mark_deleted(database: Path, ids: list[int]) -> None:
    if not ids:
        return
    store = open_metadata_store(database)
    artifacts = store.get_artifacts_by_id(ids)
    for artifact in artifacts:
        artifact.state = metadata_store_pb2.Artifact.DELETED
    store.put_artifacts(artifacts)


def _forget_digests(var: Path, paths: list[Path]) -> None:
    """Remove the artifacts from their pipelines' files of digests."""
    for task in {path.relative_to(var / "artifacts").parts[0] for path in paths}:
        ArtifactDigests(var / "artifacts" / task).forget(map(str, paths))


def _empty(trash: Path) -> None:
    if trash.exists():
        shutil.rmtree(trash)
