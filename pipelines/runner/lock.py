"""One run at a time over one folder."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from serving import file_lock


class BusyError(RuntimeError):
    """Another run is going on over the same folder."""


_SECONDS = 0.2  # between two tries


@contextlib.contextmanager
def lock_folder(
    var: Path, *, shared: bool = False, wait: float = 0.0, on_wait: Callable[[str], None] = lambda holder: None
) -> Iterator[None]:
    """Hold `var` for this process. The lock goes with the process, however it ends.

    Args:
        var: the folder.
        shared: whether other processes may hold it likewise.
        wait: seconds to wait for another process, at most.
        on_wait: called once with who holds the folder, where there is something to wait for.

    Raises:
        BusyError: Another process holds it.
    """
    var.mkdir(parents=True, exist_ok=True)
    lock = file_lock.shared if shared else file_lock.exclusive
    with contextlib.ExitStack() as stack:
        deadline, told = time.monotonic() + wait, False
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
            if not told:
                on_wait(holder)
                told = True
            time.sleep(_SECONDS)
        yield
