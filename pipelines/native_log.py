"""Keeps what TensorFlow's C++ writes to standard error off the terminal, where no Python setting reaches it."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

_STDERR = 2  # the file descriptor that C++ writes to


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Holds back what is written to standard error; shows it after all when the block ends with an exception."""
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held.seek(0)
            with open(terminal, "wb", closefd=False) as stream:
                shutil.copyfileobj(held, stream)
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, _STDERR)
            os.close(terminal)
