"""Adds a version to a folder of versions: complete or absent, never half written.

A version is copied beside the others (`<version>.tmp`, which model servers ignore), flushed to disk, and renamed.
A push clears what a killed push left. A model that is already the newest version is not pushed again, so that a run
repeated after a kill ends with one new version, not two.
"""

import filecmp
import shutil
import time
from pathlib import Path

from absl import logging

from serving.durable_file import sync

_HALF_COPY_SUFFIX = ".tmp"


class PushError(OSError):
    """A version could not be written; the destination is as it was before."""


def push(model: Path, base: Path) -> Path:
    """Makes `model` the newest version below `base`, and returns that version's folder.

    Raises:
        PushError: `base` cannot be written; no version was added.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        clear_half_copies(base)
        newest = newest_version(base)
        if newest is not None and same_files(model, base / str(newest)):
            logging.info("Version %d already holds this model.", newest)
            return base / str(newest)
        # Seconds since the epoch, as TFX numbers them; later than the newest whatever the clock says.
        version = max(int(time.time()), (newest or 0) + 1)
        return _copy_and_rename(model, base / str(version))
    except OSError as error:
        raise PushError(
            f"the model was not pushed to {base}: {error}; what was there before is untouched; "
            "free or unlock the folder and run again."
        ) from error


def list_versions(base: Path) -> list[int]:
    """Lists the complete versions below `base`, in no order."""
    return [int(path.name) for path in base.iterdir() if path.name.isdecimal() and path.is_dir()]


def newest_version(base: Path) -> int | None:
    """Returns the newest complete version below `base`; None when there is none, or no such folder."""
    return max(list_versions(base), default=None) if base.is_dir() else None


def clear_half_copies(base: Path) -> None:
    """Removes what a killed push left: folders named as a version with the suffix, nothing else."""
    for path in base.glob(f"*{_HALF_COPY_SUFFIX}"):
        if path.stem.isdecimal() and path.is_dir():
            logging.warning("Clearing %s, which an interrupted push left.", path)
            shutil.rmtree(path)


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files with the same bytes."""
    names = {str(path.relative_to(one)) for path in one.rglob("*") if path.is_file()}
    if names != {str(path.relative_to(other)) for path in other.rglob("*") if path.is_file()}:
        return False
    _, differ, failed = filecmp.cmpfiles(one, other, sorted(names), shallow=False)
    return not differ and not failed


def _copy_and_rename(model: Path, version: Path) -> Path:
    half = version.with_name(version.name + _HALF_COPY_SUFFIX)
    try:
        _copy(model, half)
        half.rename(version)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    sync(version.parent)
    return version


def _copy(source: Path, target: Path) -> None:
    """Copies a folder to disk, and stops at the first error: shutil.copytree would go on, and then list them all."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            sync(shutil.copyfile(path, target / path.name))
    sync(target)
