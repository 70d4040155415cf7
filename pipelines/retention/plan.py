"""Decide what to remove and what to keep, from the files on disk and ML Metadata. Changes nothing."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2

from components.pusher.versions import list_versions
from pipelines.metadata_database import has_metadata
from pipelines.retention.disk_usage import measure_path
from pipelines.retention.lineage_kept import close_over_lineage, find_baselines, step_artifacts
from pipelines.retention.policy import RetentionPolicy
from pipelines.retention.records import Record, choose_recent, list_records
from pipelines.retention.served import served_versions
from pipelines.retention.spans_kept import find_spans
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runs.metadata import Metadata
from serving.request_log.files import log_files

ARTIFACTS, VERSIONS, LOGS = "artifacts", "versions", "request logs"  # kinds, in addition to those of records
_DAY = 86_400.0
_LONGEST_PAUSE = 7 * _DAY  # seconds between two nodes of a run, at most: an orchestrator may be down for a weekend


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """An artifact, record, version or log file, which is removed or kept as a whole."""

    kind: str  # one of ARTIFACTS, VERSIONS, LOGS, or of a Record
    path: Path
    size: int  # bytes on disk
    artifact: int | None = None  # its id, if ML Metadata has it as existing


@dataclasses.dataclass(frozen=True, kw_only=True)
class RemovalPlan:
    """What to remove, what to keep, and why versions are kept."""

    remove: tuple[Item, ...]
    keep: tuple[Item, ...]
    versions: Mapping[tuple[str, int], str]  # (task, version) -> why it is kept


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Kept:
    artifacts: frozenset[int]
    records: frozenset[Path]
    versions: Mapping[tuple[str, int], str]


def make_plan(var: Path, policy: RetentionPolicy, now: float | None = None) -> RemovalPlan:
    """Return what to remove and what to keep.

    Args:
        var: the folder that the runs wrote to.
        policy: how long and how much to keep.
        now: seconds since the epoch; None: the current time.

    Raises:
        RunError: A record cannot be read.
        PreconditionError: It is not known which versions serve.
    """
    now = time.time() if now is None else now
    limit, log_limit = (now - days * _DAY for days in (policy.keep_days, policy.keep_log_days))
    database = var / "metadata.sqlite"
    metadata = Metadata(database) if has_metadata(database) else None
    states = _read_states(database) if metadata else {}
    records = list_records(var)
    recent = choose_recent(records, policy.keep_runs, limit, now - _LONGEST_PAUSE)
    kept = _find_kept(var, metadata, states, records, recent, _keep_versions(var, policy, limit))
    remove: list[Item] = []
    keep: list[Item] = []
    for item, is_kept in [
        *_artifact_items(var, metadata, states, records, kept, limit),
        *((Item(kind=one.kind, path=one.directory, size=measure_path(one.directory)), one.directory in kept.records)
          for one in records),
        *((Item(kind=VERSIONS, path=path, size=measure_path(path)), (path.parent.name, int(path.name)) in kept.versions)
          for path in _version_folders(var)),
        *((Item(kind=LOGS, path=path, size=measure_path(path)), written >= log_limit)
          for path, written in _logs(var / "requests")),
    ]:  # fmt: skip
        (keep if is_kept else remove).append(item)
    return RemovalPlan(remove=tuple(remove), keep=tuple(keep), versions=kept.versions)


def _find_kept(
    var: Path,
    metadata: Metadata | None,
    states: Mapping[int, int],
    records: Sequence[Record],
    recent: Sequence[Record],
    versions: dict[tuple[str, int], str],
) -> _Kept:
    if metadata is None:
        return _Kept(artifacts=frozenset(), records=frozenset(one.directory for one in recent), versions=versions)
    live = [id for id, state in states.items() if state == _LIVE]
    comparable = [id for id in live if id not in metadata.of_experiments]
    seeds = set(find_baselines(metadata, comparable) | find_spans(var / "metadata.sqlite", metadata))
    run_ids = {step.run_id for step in metadata.steps.values()}
    of_recent = {run_id for run_id in run_ids if any(one.left(run_id) for one in recent)}
    steps = [step for step in metadata.steps.values() if step.run_id in of_recent]
    seeds.update(id for step in steps for id in step_artifacts(step))
    for id, place in _find_pushes(metadata).items():
        if place.parent.parent != var / "serving":  # pushed with --push-to: this folder does not record who serves it
            seeds.update([id] if place.is_dir() else [])
            continue
        name = place.parent.name, int(place.name)
        if id in seeds and place.is_dir():
            versions.setdefault(name, "pushed by a run that is kept")
        if name in versions:
            seeds.add(id)
    artifacts = close_over_lineage(metadata, seeds)
    makers = {maker.run_id for id in artifacts if (maker := metadata.find_producer(id)) is not None}
    kept = [*recent, *(one for one in records if any(map(one.left, makers)))]
    # Inputs are kept without their lineage. A run in progress may have resolved them without having read them yet.
    found = (*(step.input_ids for step in steps), *(ids for step in steps for ids in step.resolved.values()))
    compared_with = frozenset(id for ids in found for id in ids)
    return _Kept(
        artifacts=artifacts | compared_with, records=frozenset(one.directory for one in kept), versions=versions
    )


def _keep_versions(var: Path, policy: RetentionPolicy, limit: float) -> dict[tuple[str, int], str]:
    """Return the pushed versions that are kept independent of runs, and why."""
    kept: dict[tuple[str, int], str] = {}
    for folder in _folders(var / "serving"):
        on_disk = sorted(list_versions(folder), reverse=True)
        served = served_versions(var / "serving", folder.name, on_disk)
        for place, version in enumerate(on_disk):
            if version in served:
                kept[folder.name, version] = served[version]
            elif place < policy.keep_versions:
                kept[folder.name, version] = f"one of the newest {policy.keep_versions}"
            elif (folder / str(version)).stat().st_mtime >= limit:
                kept[folder.name, version] = f"younger than {policy.keep_days:g} days"
    return kept


def _find_pushes(metadata: Metadata) -> dict[int, Path]:
    """Return the PushedModels that were pushed: id -> destination."""
    return {
        artifact.id: Path(str(destination))
        for artifact in metadata.artifacts.values()
        if artifact.type == "PushedModel" and (destination := artifact.properties.get("pushed_destination"))
    }


def _artifact_items(
    var: Path,
    metadata: Metadata | None,
    states: Mapping[int, int],
    records: Sequence[Record],
    kept: _Kept,
    limit: float,
) -> list[tuple[Item, bool]]:
    """Return the artifacts whose folders exist, and whether each is kept.

    Artifacts outside `var`, and those of pipelines without records of their runs, are not listed.
    """
    items = []
    root = var / "artifacts"
    recorded = _recorded_pipelines(records, metadata)
    for artifact in metadata.artifacts.values() if metadata else ():
        path = Path(artifact.uri)
        if not path.is_relative_to(root) or len(path.relative_to(root).parts) < 4 or not path.exists():
            continue  # <pipeline>/<node>/<output>/<execution>
        if path.relative_to(root).parts[0] not in recorded:
            continue
        is_live = states[artifact.id] != metadata_store_pb2.Artifact.DELETED
        is_kept = is_live and (artifact.id in kept.artifacts or artifact.created.timestamp() >= limit)
        id = artifact.id if is_live else None  # else its folder was left by a killed removal
        items.append((Item(kind=ARTIFACTS, path=path, size=measure_path(path), artifact=id), is_kept))
    return items


def _recorded_pipelines(records: Sequence[Record], metadata: Metadata | None) -> set[str]:
    steps = metadata.steps.values() if metadata else ()
    pipelines = {step.run_id: step.task for step in steps}  # a run belongs to one pipeline
    return {pipeline for run_id, pipeline in pipelines.items() if any(one.left(run_id) for one in records)}


_LIVE = metadata_store_pb2.Artifact.LIVE


def _read_states(database: Path) -> dict[int, int]:
    return {artifact.id: artifact.state for artifact in open_metadata_store(database).get_artifacts()}


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _logs(requests: Path) -> Iterator[tuple[Path, float]]:
    """Yield the request log's files and when they were written, except those that a gateway has just removed."""
    for folder in _folders(requests):
        for path in sorted(log_files(folder)):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat().st_mtime


def _version_folders(var: Path) -> list[Path]:
    return [folder / str(version) for folder in _folders(var / "serving") for version in sorted(list_versions(folder))]
