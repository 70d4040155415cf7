"""Pin data: copy it into DVC's cache and remote, and write the .dvc files that identify it."""

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
    """What was done with one version of the data."""

    fingerprint: str
    state: str  # PINNED, ALREADY or GONE
    source: Path  # the file or the folder that was read


PINNED, ALREADY, GONE = "pinned", "already pinned", "not there any more"


def pin_sources(dvc: Dvc, task: str, sources: Sequence[DataSource]) -> list[PinOutcome]:
    """Pin the sources that have not changed since they were read, and push all pinned data of the task.

    Args:
        dvc: its folder is prepared.
        task: name of the task.
        sources: the data that was read. Of several with the same content the first that is unchanged is pinned.

    Returns:
        One outcome for each content, in the order in which it was read.

    Raises:
        DataVersionError: A fingerprint has no digest, or DVC failed. Data that was already added stays added.
    """
    folder = dvc.root / task
    remove_data(folder)  # left by a pin or a restore that was killed
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
    """Return the file or the folder that was read."""
    files = source.files
    return Path(files[0]) if len(files) == 1 and not _is_folder(source) else Path(source.folder)


def _is_folder(source: DataSource) -> bool:
    return EVERY_FILE in source.patterns.values() or len(source.files) > 1


def _stage(root: Path, task: str, source: DataSource) -> list[Path]:
    """Return copies of a source's files in the folder of its .dvc files; none if the source has changed.

    DVC gets a copy because it makes its files read-only and links them.
    """
    folder = source_folder(root, task, source.fingerprint)
    shutil.rmtree(folder, ignore_errors=True)  # incomplete .dvc files of a pin that was killed
    files = [Path(file) for file in source.files]
    if not files:
        return []
    target = folder / Path(source.folder).name if _is_folder(source) else folder
    target.mkdir(parents=True)
    copies = [target / file.name for file in files]
    for file, copy in zip(files, copies, strict=True):
        shutil.copyfile(file, copy)
    (split,) = source.patterns
    # The copies are checked, because a file may change while it is copied.
    if fingerprint(split, [str(copy) for copy in copies]) != source.fingerprint:
        shutil.rmtree(folder)
        return []
    sync(target)
    return copies
