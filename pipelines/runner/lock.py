"""One run at a time over one folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from serving import file_lock


class BusyError(RuntimeError):
    """Another run is going on over the same folder."""


@contextlib.contextmanager
def lock_folder(var: Path) -> Iterator[None]:
    """Holds `var` for this process. The lock goes with the process, however it ends.

    Raises:
        BusyError: Another process holds it.
    """
    var.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(file_lock.exclusive(var / ".lock", str(os.getpid())))
        except file_lock.FileLockedError as error:
            raise BusyError(
                f"another run (process {error.holder or 'unknown'}) is using {var}: "
                "wait for it, stop it, or give this run its own folder with --var"
            ) from error
        yield
