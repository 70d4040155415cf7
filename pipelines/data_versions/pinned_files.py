"""The .dvc files of pinned data: `<task>/<digest>/<name>.dvc`, or of a folder's files `<task>/<digest>/<name>/…`.

The digest is the one that a run's record has, so that a record leads to its data by itself.
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
    """A pinned file, or a pinned folder of files."""

    path: Path  # where the file or the folder lies while its data are there
    pointers: Sequence[Path]  # a .dvc file for each data file
    is_folder: bool


def digest_of(fingerprint: str) -> str:
    """Return the digest in a fingerprint.

    Raises:
        DataVersionError: It has none: TFX made it, in an older version of this project.
    """
    digest = fingerprint.partition(f"{BLAKE2B}:")[2]
    if not digest:
        raise DataVersionError(
            f"fingerprint {fingerprint!r}: expected one with {BLAKE2B}:, received one of sizes and times, as older "
            "runs have it: such data cannot be told from others; run again on the data"
        )
    return digest


def find_pinned(root: Path, task: str, fingerprint: str) -> PinnedSource | None:
    """Find a pinned source; None: it is not pinned, or not all of its files are, since a pin was killed.

    Args:
        root: DVC's folder.
        task: its name.
        fingerprint: of what the files hold.
    """
    folder = source_folder(root, task, fingerprint)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        pointers = sorted(entry.glob(f"*{ENDING}")) if entry.is_dir() else [entry]
        if len(pointers) == _count_files(fingerprint) and pointers[0].name.endswith(ENDING):
            path = entry if entry.is_dir() else data_file(entry)
            return PinnedSource(path=path, pointers=pointers, is_folder=entry.is_dir())
    return None


def source_folder(root: Path, task: str, fingerprint: str) -> Path:
    """Return the folder of one source."""
    return root / task / digest_of(fingerprint)


def data_file(pointer: Path) -> Path:
    """Return where the data lie that a .dvc file stands for."""
    return pointer.with_name(pointer.name.removesuffix(ENDING))


def remove_data(folder: Path) -> None:
    """Remove the data below a folder; the .dvc files stay, and so does DVC's cache."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.name.endswith(ENDING):
            path.unlink()


def _count_files(fingerprint: str) -> int:
    found = re.search(r"num_files:(\d+)", fingerprint)
    return int(found[1]) if found else 0
