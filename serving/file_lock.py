"""Lock a file between processes; the lock ends with its process."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


class FileLockedError(RuntimeError):
    """Another process holds the lock.

    Args:
        path: the lock's file.
        holder: the other process's text in the file, also an attribute; empty if it has not written it yet.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path} is locked by {holder or 'another process'}: expected it to be free; wait for its end."
        )
        self.holder = holder


@contextlib.contextmanager
def exclusive(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock. The kernel releases it when the process ends in any way; the file stays.

    Args:
        path: the lock's file; it is created if it does not exist.
        holder: describes this process, for a process that finds the file locked.

    Yields:
        Nothing.

    Raises:
        FileLockedError: Another process holds it.
    """
    with path.open("a+", encoding="utf-8") as file:
        _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB, path)
        _name_holder(file, holder)
        try:
            yield
        finally:
            file.truncate(0)


@contextlib.contextmanager
def shared(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock together with other `shared` holders; no process holds it `exclusive` meanwhile.

    Args:
        path: the lock's file; it is created if it does not exist.
        holder: describes this process; a process that wants the lock for itself reads the last one.

    Yields:
        Nothing.

    Raises:
        FileLockedError: Another process holds it for itself.
    """
    with path.open("a+", encoding="utf-8") as file:
        _lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB, path)
        _name_holder(file, holder)
        yield


@contextlib.contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Wait for the lock and hold it: for short work, such as reading and rewriting a file."""
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lock(file: TextIO, operation: int, path: Path) -> None:
    try:
        fcntl.flock(file, operation)
    except BlockingIOError as error:
        file.seek(0)
        raise FileLockedError(path, file.read().strip()) from error


def _name_holder(file: TextIO, holder: str) -> None:
    file.truncate(0)
    file.write(holder)
    file.flush()
