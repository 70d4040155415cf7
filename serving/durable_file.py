"""Write files that are complete even after a crash: the old content or the new one."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes | memoryview, mode: int = 0o666) -> None:
    """Replace a file: write `<name>.tmp` in the same folder, bring that to disk, and rename it.

    Args:
        path: the file.
        content: a text is written in UTF-8.
        mode: the permissions of a new file, before the umask; an existing file keeps its own.

    Raises:
        OSError: The folder cannot be written or the disk is full. The old file is unchanged then.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, and bring it to disk. Drop an unfinished line that an earlier crash left.

    Args:
        path: the file; it is created if it does not exist.
        line: without its end, in UTF-8.

    Raises:
        OSError: The file cannot be written, or the disk is full. Earlier lines are unchanged then.
    """
    new = not path.exists()
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(f"{line}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or a folder's entries, to disk: a rename survives a crash only once its folder is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
