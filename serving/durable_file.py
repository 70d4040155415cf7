"""A file that is always whole: the old text or the new one, also after a crash."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes | memoryview, mode: int = 0o666) -> None:
    """Replaces the file: writes `<name>.tmp` beside it, brings that to disk, and renames it.

    Args:
        path: the file.
        content: a text is written in UTF-8.
        mode: the permissions of a new file, less the umask; a file that is there keeps its own.

    Raises:
        OSError: The folder cannot be written or is full. The old file is still there then.
    """
    beside = path.with_name(f"{path.name}.tmp")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content.encode() if isinstance(content, str) else content)
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
