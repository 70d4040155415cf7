"""Pins data: a copy into DVC's cache and its remote, and .dvc files that say which data they are."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from components.csv_example_gen.csv_files import EVERY_FILE
from components.csv_example_gen.fingerprint import fingerprint
from pipelines.data_versions.dvc import Dvc
from pipelines.data_versions.pinned_files import find_pinned, remove_data, source_folder
from pipelines.runs.data_source import DataSource
from serving.durable_file import sync


@dataclasses.dataclass(frozen=True, kw_only=True)
class PinOutcome:
    """What became of one version of data."""

    fingerprint: str
    state: str  # PINNED, ALREADY or GONE
    source: Path  # the file or the folder that was read


PINNED, ALREADY, GONE = "pinned", "already pinned", "not there any more"


def pin_sources(dvc: Dvc, task: str, sources: Sequence[DataSource]) -> list[PinOutcome]:
    """Pin what is still as it was read, and pushes all that is pinned of the task.

    Args:
        dvc: its folder, prepared.
        task: its name.
        sources: what was read; of several with the same content one is enough.

    Returns:
        One outcome for each content, in the order of reading.

    Raises:
        DataVersionError: A fingerprint has no digest, or DVC failed; what was added stays so.
    """
    folder = dvc.root / task
    remove_data(folder)  # of a pin or a restore that was killed
    outcomes: dict[str, PinOutcome] = {}
    staged: list[Path] = []
    for source in sources:
        known = outcomes.get(source.fingerprint)
        if known is not None and known.state != GONE:
            continue
        path = _path(source)
        if find_pinned(dvc.root, task, source.fingerprint) is not None:
            state = ALREADY
        elif files := _stage(dvc.root, task, source):
            staged += files
            state = PINNED
        else:
            state = GONE
        outcomes[source.fingerprint] = PinOutcome(fingerprint=source.fingerprint, state=state, source=path)
    try:
        if staged:
            dvc.add(staged)
        if any(outcome.state != GONE for outcome in outcomes.values()):
            dvc.push(folder)
    finally:
        remove_data(folder)
    return list(outcomes.values())


def _path(source: DataSource) -> Path:
    """The file or the folder that was read."""
    files = source.files
    return Path(files[0]) if len(files) == 1 and not _is_folder(source) else Path(source.folder)


def _is_folder(source: DataSource) -> bool:
    return EVERY_FILE in source.patterns.values() or len(source.files) > 1


def _stage(root: Path, task: str, source: DataSource) -> list[Path]:
    """Copy a source to where its .dvc files will be; nothing where it is not what was read any more.

    A copy, since DVC makes its files read-only and links them.
    """
    folder = source_folder(root, task, source.fingerprint)
    shutil.rmtree(folder, ignore_errors=True)  # some .dvc files of a pin that was killed
    files = [Path(file) for file in source.files]
    if not files:
        return []
    target = folder / Path(source.folder).name if _is_folder(source) else folder
    target.mkdir(parents=True)
    copies = [target / file.name for file in files]
    for file, copy in zip(files, copies, strict=True):
        shutil.copyfile(file, copy)
    (split,) = source.patterns
    # Of the copies: a file may change while it is copied.
    if fingerprint(split, [str(copy) for copy in copies]) != source.fingerprint:
        shutil.rmtree(folder)
        return []
    sync(target)
    return copies
