"""Add a version to a folder of versions: complete or absent, never half written.

A version is copied to `<version>.tmp`, which model servers ignore, flushed to disk, and renamed. A push first removes
what a killed push left. A model that is already the newest version is not pushed again, so that a run repeated after a
kill adds one version, not two. It is pushed again if it must be signed and lacks this signer's signature.

A version is signed before it is renamed, so no server ever reads it without its signature (docs/how-to/trust.md).
"""

import filecmp
import shutil
import time
from pathlib import Path

from absl import logging

from serving.durable_file import sync
from serving.signing.verification import SIGNATURE
from serving.signing.version_signer import VersionSigner

_HALF_COPY_SUFFIX = ".tmp"


class PushError(OSError):
    """A version could not be written; the destination is as it was before."""


def push(model: Path, base: Path, signer: VersionSigner | None = None) -> Path:
    """Make `model` the newest version below `base`, unless it already is.

    Args:
        model: folder of the model.
        base: folder of the versions.
        signer: signs the version; None: it gets no signature.

    Returns:
        The folder of the version.

    Raises:
        PushError: `base` cannot be written; no version was added.
        SigningError: The version cannot be signed; no version was added.
    """
    try:
        base.mkdir(parents=True, exist_ok=True)
        clear_half_copies(base)
        newest = newest_version(base)
        if newest is not None and _is_in_place(model, base / str(newest), signer):
            logging.info("Version %d already holds this model.", newest)
            return base / str(newest)
        # Seconds since the epoch, as TFX numbers versions; greater than the newest even if the clock was set back.
        version = max(int(time.time()), (newest or 0) + 1)
        return _copy_and_rename(model, base / str(version), signer)
    except OSError as error:
        raise PushError(
            f"the model was not pushed to {base}: {error}; earlier versions are unchanged; "
            "free space or make the folder writable, and run again."
        ) from error


def list_versions(base: Path) -> list[int]:
    """Return the numbers of the complete versions below `base`, in no order."""
    return [int(path.name) for path in base.iterdir() if path.name.isdecimal() and path.is_dir()]


def newest_version(base: Path) -> int | None:
    """Return the number of the newest complete version below `base`; None if there is none, or no such folder."""
    return max(list_versions(base), default=None) if base.is_dir() else None


def clear_half_copies(base: Path) -> None:
    """Remove what a killed push left: folders that are named `<version>.tmp`."""
    for path in base.glob(f"*{_HALF_COPY_SUFFIX}"):
        if path.stem.isdecimal() and path.is_dir():
            logging.warning("Removing %s, which an interrupted push left.", path)
            shutil.rmtree(path)


def same_files(one: Path, other: Path, *, ignored: str | None = None) -> bool:
    """Return whether two folders hold the same files with the same bytes, apart from the `ignored` file, if any."""
    names = _file_names(one) - {ignored}
    if names != _file_names(other) - {ignored}:
        return False
    _, differ, failed = filecmp.cmpfiles(one, other, sorted(names), shallow=False)
    return not differ and not failed


def _file_names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _is_in_place(model: Path, newest: Path, signer: VersionSigner | None) -> bool:
    """Return whether the newest version is this model, with this signer's signature if there is a signer."""
    return same_files(model, newest, ignored=SIGNATURE) and (
        signer is None or signer.has_signed(newest, int(newest.name))
    )


def _copy_and_rename(model: Path, version: Path, signer: VersionSigner | None) -> Path:
    half = version.with_name(version.name + _HALF_COPY_SUFFIX)
    try:
        _copy(model, half)
        if signer is not None:
            signer.sign(model, int(version.name), into=half)
        half.rename(version)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    sync(version.parent)
    return version


def _copy(source: Path, target: Path) -> None:
    """Copy a folder and flush it to disk; stop at the first error, where shutil.copytree would copy the rest."""
    target.mkdir()
    for path in sorted(source.iterdir()):
        if path.is_dir():
            _copy(path, target / path.name)
        else:
            sync(shutil.copyfile(path, target / path.name))
    sync(target)
