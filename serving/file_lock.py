"""A lock between processes, which ends with its process."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


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
    """Holds the lock. The kernel releases it when the process ends, however it ends; the file stays.

    Args:
        path: the lock's file; it is made when it is not there.
        holder: who holds the lock, for the process that finds it locked.

    Raises:
        FileLockedError: Another process holds it.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise FileLockedError(path, file.read().strip()) from error
        file.truncate(0)
        file.write(holder)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
