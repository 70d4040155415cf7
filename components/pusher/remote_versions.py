"""Add a version to a folder of versions in an object store, such as gs://, without renaming.

A store has no folders: renaming one copies it object by object. But each object is complete or absent, so
`saved_model.pb` is written last. A version without it is incomplete, both here and for TensorFlow Serving, which then
retries. A push that was killed leaves such a version; later pushes do not reuse its number.
"""

import os
import time
from pathlib import Path

from absl import logging
from tfx.dsl.io import fileio
from tfx.utils import io_utils

_LAST = "saved_model.pb"


def push_to_store(model: Path, base: str) -> str:
    """Make `model` the newest version below `base`, unless it already is.

    Args:
        model: local folder of the model.
        base: URI of the folder of versions.

    Returns:
        The URI of the version.

    Raises:
        FileNotFoundError: `model` has no `saved_model.pb`.
    """
    if not (model / _LAST).is_file():
        raise FileNotFoundError(f"{model / _LAST}: no such file. Expected a SavedModel to push; run the Trainer again.")
    names = fileio.listdir(base) if fileio.isdir(base) else []
    taken = [int(name.rstrip("/")) for name in names if name.rstrip("/").isdecimal()]
    complete = [version for version in taken if fileio.exists(os.path.join(base, str(version), _LAST))]
    if complete and _holds(os.path.join(base, str(max(complete))), model):
        logging.info("Version %d already holds this model.", max(complete))
        return os.path.join(base, str(max(complete)))
    # Seconds since the epoch, as TFX numbers versions; greater than the newest even if the clock was set back.
    version = os.path.join(base, str(max(int(time.time()), max(taken, default=0) + 1)))
    for file in sorted(_files(model), key=lambda file: (file == _LAST, file)):
        target = os.path.join(version, file)
        fileio.makedirs(os.path.dirname(target))
        fileio.copy(str(model / file), target, overwrite=True)
    return version


def _holds(version: str, model: Path) -> bool:
    """Return whether a version has the same files with the same bytes as the model."""
    found = {
        os.path.relpath(os.path.join(folder, file), version)
        for folder, _, files in fileio.walk(version)
        for file in files
    }
    return found == set(_files(model)) and all(
        io_utils.read_bytes_file(os.path.join(version, file)) == (model / file).read_bytes() for file in found
    )


def _files(model: Path) -> list[str]:
    return [path.relative_to(model).as_posix() for path in model.rglob("*") if path.is_file()]
