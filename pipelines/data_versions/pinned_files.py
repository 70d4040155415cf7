"""Find the .dvc files of pinned data.

A file has `<task>/<digest>/<name>.dvc`. A folder has `<task>/<digest>/<name>/….dvc` for each of its files. The digest
is the one in a run's record.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from components.csv_example_gen.fingerprint import BLAKE2B
from pipelines.data_versions.dvc import ENDING
from pipelines.data_versions.errors import DataVersionError


@dataclasses.dataclass(frozen=True, kw_only=True)
class PinnedSource:
    """The .dvc files of a pinned file or folder."""

    path: Path  # of the data file or folder; its data is there only during a command
    pointers: Sequence[Path]  # a .dvc file for each data file
    is_folder: bool


def digest_of(fingerprint: str) -> str:
    """Return the digest in a fingerprint.

    Raises:
        DataVersionError: The fingerprint has no digest, because TFX made it in an older version of this project.

    Example:
        >>> digest_of("split:single_split,num_files:1,blake2b:5f2c")
        '5f2c'
    """
    digest = fingerprint.partition(f"{BLAKE2B}:")[2]
    if not digest:
        raise DataVersionError(
            f"fingerprint {fingerprint!r}: expected one with {BLAKE2B}:, received one of sizes and times, as older "
            "runs have it, which does not identify the data; run again on the data"
        )
    return digest


def find_pinned(root: Path, task: str, fingerprint: str) -> PinnedSource | None:
    """Return a pinned source, or None if no .dvc files or not all of them exist, as after a killed pin.

    Args:
        root: DVC's folder.
        task: name of the task.
        fingerprint: of the files' content.
    """
    folder = source_folder(root, task, fingerprint)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        pointers = sorted(entry.glob(f"*{ENDING}")) if entry.is_dir() else [entry]
        if len(pointers) == _count_files(fingerprint) and pointers[0].name.endswith(ENDING):
            path = entry if entry.is_dir() else data_file(entry)
            return PinnedSource(path=path, pointers=pointers, is_folder=entry.is_dir())
    return None


def source_folder(root: Path, task: str, fingerprint: str) -> Path:
    """Return the folder of the .dvc files of one source."""
    return root / task / digest_of(fingerprint)


def data_file(pointer: Path) -> Path:
    """Return the path of the data that a .dvc file refers to."""
    return pointer.with_name(pointer.name.removesuffix(ENDING))


def remove_data(folder: Path) -> None:
    """Remove the data files below a folder, but neither the .dvc files nor DVC's cache."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.name.endswith(ENDING):
            path.unlink()


def _count_files(fingerprint: str) -> int:
    found = re.search(r"num_files:(\d+)", fingerprint)
    return int(found[1]) if found else 0
