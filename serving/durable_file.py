"""A file that is always whole: the old text or the new one, also after a crash."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replaces the file's text: written beside it, brought to disk, renamed.

    Raises:
        OSError: The folder cannot be written or is full. The old text is still there then.
    """
    beside = path.with_name(f"{path.name}.tmp")
    try:
        with beside.open("w", encoding="utf-8") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Brings a file, or a folder's entries, to disk: a rename is only kept by a crash once its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
