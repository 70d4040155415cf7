"""Lock a folder, so that one run at a time uses it."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from serving import file_lock


class BusyError(RuntimeError):
    """Another run is using the folder."""


_SECONDS = 0.2  # between two tries


@contextlib.contextmanager
def lock_folder(
    var: Path, *, shared: bool = False, wait: float = 0.0, on_wait: Callable[[str], None] = lambda holder: None
) -> Iterator[None]:
    """Lock `var` for this process. The lock is released when the process ends, also after `kill -9`.

    Args:
        var: the folder; it is created if it does not exist.
        shared: whether other processes may also lock it as `shared`.
        wait: seconds to wait for another process, at most.
        on_wait: called once before waiting, with a text that names the other process.

    Yields:
        Nothing.

    Raises:
        BusyError: Another process has locked it.
    """
    var.mkdir(parents=True, exist_ok=True)
    lock = file_lock.shared if shared else file_lock.exclusive
    with contextlib.ExitStack() as stack:
        deadline, announced = time.monotonic() + wait, False
        while True:
            try:
                stack.enter_context(lock(var / ".lock", str(os.getpid())))
                break
            except file_lock.FileLockedError as error:
                holder = f"process {error.holder or 'unknown'}"
                if time.monotonic() >= deadline:
                    raise BusyError(
                        f"another run ({holder}) is using {var}: "
                        "wait for it, stop it, or give this run its own folder with --var"
                    ) from error
            if not announced:
                on_wait(holder)
                announced = True
            time.sleep(_SECONDS)
        yield
