"""One roll-out at a time."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from serving.rollout.errors import PreconditionError

NAME = "rollout.lock"


@contextlib.contextmanager
def held(path: Path, holder: str) -> Iterator[None]:
    """Holds the lock. The kernel lets go of it when the process ends, however it ends; the file stays.

    Args:
        path: the lock's file, made when it is not there.
        holder: who holds it and for what, told to whoever comes second.

    Raises:
        PreconditionError: Another process holds it.
    """
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise PreconditionError(
                f"another roll-out is at work: {file.read().strip() or 'starting'}; expected to be the only one; wait "
                f"until it has ended ({path} is its lock)."
            ) from error
        file.truncate(0)
        file.write(f"{holder}, process {os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
