"""A lock between processes, which ends with its process."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


class FileLockedError(RuntimeError):
    """Another process holds the lock.

    Attributes:
        holder: what the other process wrote into the file; empty when it has not yet.
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"{path} is locked by {holder or 'another process'}: expected it to be free; wait for its end."
        )
        self.holder = holder


@contextlib.contextmanager
def exclusive(path: Path, holder: str) -> Iterator[None]:
    """Hold the lock. The kernel releases it when the process ends, however it ends; the file stays.

    Args:
        path: the lock's file; it is made when it is not there.
        holder: who holds the lock, for the process that finds it locked.

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
    """Hold the lock together with others that share it; nobody has it `exclusive` meanwhile.

    Args:
        path: the lock's file; it is made when it is not there.
        holder: who holds the lock; the last one is told to a process that wants it alone.

    Raises:
        FileLockedError: Another process holds it for itself.
    """
    with path.open("a+", encoding="utf-8") as file:
        _lock(file, fcntl.LOCK_SH | fcntl.LOCK_NB, path)
        _name_holder(file, holder)
        yield


@contextlib.contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Hold the lock as soon as it is free: for what takes a moment, such as a file that is read and written anew."""
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
