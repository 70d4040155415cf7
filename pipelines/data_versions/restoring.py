"""Restore from DVC's remote the data that a run was trained on."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from components.csv_example_gen.csv_files import ENDINGS, find_files
from components.csv_example_gen.fingerprint import fingerprint
from pipelines.data_versions.dvc import Dvc
from pipelines.data_versions.errors import DataVersionError
from pipelines.data_versions.pinned_files import PinnedSource, data_file, find_pinned, remove_data
from pipelines.data_versions.recorded_sources import TrainedSource


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Wanted:
    trained: TrainedSource
    pinned: PinnedSource
    target: Path  # the restored file or folder


def restore_sources(dvc: Dvc, task: str, sources: Sequence[TrainedSource], out: Path) -> list[Path]:
    """Restore data into a new folder, whole or not at all.

    A span becomes a file or folder of its name, such as 2014Q1.csv, which `ingest` finds.

    Args:
        dvc: its folder.
        task: name of the task.
        sources: the data to restore.
        out: the new folder; must not exist.

    Returns:
        The file or folder of each source, in the same order.

    Raises:
        DataVersionError: `out` exists, a source is not pinned, the remote lacks it, or its content is not what the run
            was trained on.
    """
    if out.exists():
        raise DataVersionError(
            f"{out}: expected a folder that is not there yet, received one; remove it, or name --out"
        )
    wanted = _find(dvc.root, task, sources, out)
    temporary = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    folder = dvc.root / task
    try:
        remove_data(folder)
        dvc.pull([pointer for one in wanted for pointer in one.pinned.pointers])
        for one in wanted:
            _copy(one, temporary / one.target.name)
        temporary.rename(out)
    finally:
        remove_data(folder)
        shutil.rmtree(temporary, ignore_errors=True)
    return [one.target for one in wanted]


def _find(root: Path, task: str, sources: Sequence[TrainedSource], out: Path) -> list[_Wanted]:
    wanted, lacking = [], []
    for source in sources:
        pinned = find_pinned(root, task, source.fingerprint)
        if pinned is None:
            lacking.append(f"{source.span or 'the data'} ({source.fingerprint})")
        else:
            wanted.append(_Wanted(trained=source, pinned=pinned, target=out / _name(source, pinned)))
    if lacking:
        raise DataVersionError(
            f"{root}: expected .dvc files of all that the run was trained on, received none of {'; '.join(lacking)}. "
            "Were they pinned (make data-pin), and is that commit of the .dvc files checked out?"
        )
    return wanted


def _name(source: TrainedSource, pinned: PinnedSource) -> str:
    if source.span is None:
        return pinned.path.name
    if pinned.is_folder:
        return source.span
    lower = pinned.path.name.lower()
    return source.span + max((ending for ending in ENDINGS if lower.endswith(ending)), key=len)


def _copy(one: _Wanted, target: Path) -> None:
    """Copy one source, because DVC's own files are read-only, and check its fingerprint."""
    if one.pinned.is_folder:
        target.mkdir(parents=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    for pointer in one.pinned.pointers:
        file = data_file(pointer)
        shutil.copyfile(file, target / file.name if one.pinned.is_folder else target)
    split = one.trained.fingerprint.partition(",")[0].partition(":")[2]
    found = fingerprint(split, find_files(target))
    if found != one.trained.fingerprint:
        raise DataVersionError(
            f"{one.pinned.path}: expected {one.trained.fingerprint}, received {found}: the .dvc files are not those of "
            "this version; restore them from version control"
        )
