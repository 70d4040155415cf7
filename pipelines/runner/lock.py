"""One run at a time over one folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class BusyError(RuntimeError):
    """Another run is going on over the same folder."""


@contextlib.contextmanager
def exclusive(var: Path) -> Iterator[None]:
    """Holds `var` for this process. The lock goes with the process, however it ends.

    Raises:
        BusyError: Another process holds it.
    """
    var.mkdir(parents=True, exist_ok=True)
    with (var / ".lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise BusyError(
                f"another run (process {lock.read().strip() or 'unknown'}) is using {var}: "
                "wait for it, stop it, or give this run its own folder with --var"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
