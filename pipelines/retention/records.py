"""List the folders with the records of runs, ingestions and monitoring runs, and choose those to keep.

| kind | folder below `var` | run id in ML Metadata |
|---|---|---|
| run | `runs/<id>` | `<id>` |
| ingestion | `ingestions/<id>` | `ingestion-<id>-<span>` |
| monitoring run | `monitoring/<task>/<id>` | `monitoring-<id>` |
"""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from pipelines.runner.run_folder import BEGUN_FILE
from pipelines.runs.errors import RunError
from pipelines.runs.run_record import SUMMARY_FILE, sort_key
from pipelines.runs.runs import Runs

RUNS, INGESTIONS, MONITORING = "runs", "ingestions", "monitoring"  # kinds
PIN_FILE = "pinned"  # in a folder: keep it, its artifacts and the versions that it pushed
INGESTION_PREFIX, _MONITORING_PREFIX = "ingestion-", "monitoring-"
_LATEST = "latest"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """The folder with the record of a run, an ingestion or a monitoring run."""

    kind: str
    task: str  # empty if an ingestion was killed before it wrote its record
    directory: Path
    run_id: str  # in ML Metadata; of an ingestion, the prefix

    def left(self, run_id: str) -> bool:
        """Return whether the record belongs to this run of ML Metadata."""
        return run_id == self.run_id or (self.kind == INGESTIONS and run_id.startswith(f"{self.run_id}-"))


def list_records(var: Path) -> list[Record]:
    """Return all records, those of each kind with the newest last.

    Raises:
        RunError: A record cannot be read.
    """
    runs = [Record(kind=RUNS, task=run.task, directory=run.directory, run_id=run.id) for run in Runs(var).list()]
    ingestions = [
        Record(
            kind=INGESTIONS, task=_task_of(directory), directory=directory,
            run_id=f"{INGESTION_PREFIX}{directory.name}",
        )
        for directory in _directories([var / INGESTIONS])
    ]  # fmt: skip
    monitoring = [
        Record(
            kind=MONITORING, task=directory.parent.name, directory=directory,
            run_id=f"{_MONITORING_PREFIX}{directory.name}",
        )
        for directory in _directories(_directories([var / MONITORING]))
    ]  # fmt: skip
    return [*runs, *ingestions, *monitoring]


def choose_recent(records: Iterable[Record], count: int, limit: float, going_on: float) -> list[Record]:
    """Return the records to keep: pinned, young, last to succeed, in progress, or among the newest of kind and task.

    Args:
        records: of each kind the newest last.
        count: number of the newest records to keep.
        limit: seconds since the epoch; a record that changed later is young.
        going_on: seconds since the epoch; an unfinished run of single nodes that changed later counts as in progress.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.kind, record.task), []).append(record)
    return [
        record
        for group in groups.values()
        for place, record in enumerate(reversed(group))
        if place < count or _stays(record.directory, limit) or _may_continue(record.directory, going_on)
    ]


def _stays(directory: Path, limit: float) -> bool:
    latest = directory.parent / _LATEST  # a link
    return (
        directory.stat().st_mtime >= limit
        or (directory / PIN_FILE).exists()
        or (latest.is_symlink() and latest.resolve() == directory.resolve())
    )


def _may_continue(directory: Path, going_on: float) -> bool:
    """Return whether a later process may run more nodes: between two nodes no process locks the folder."""
    if not (directory / BEGUN_FILE).exists() or (directory / SUMMARY_FILE).exists():
        return False
    return max(path.stat().st_mtime for path in directory.iterdir()) >= going_on


def _directories(folders: Iterable[Path]) -> list[Path]:
    found = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted((path for path in found if path.is_dir() and not path.is_symlink()), key=sort_key)


def _task_of(ingestion: Path) -> str:
    path = ingestion / SUMMARY_FILE
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["task"])
    except FileNotFoundError:
        return ""
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} is not a record of an ingestion: {error!r}; restore it, or remove its folder."
        ) from error
