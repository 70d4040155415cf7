"""Redirects output to the log: TFX, Beam and TensorFlow write thousands of lines."""

import io
import os
import sys
from pathlib import Path
from typing import TextIO


def redirect_output(log: Path) -> TextIO:
    """Send whatever this process and its libraries print to `log`, until the process ends, and returns the terminal.

    The file descriptors themselves are diverted: TensorFlow's C++ half writes to them directly. They are not restored,
    since libraries go on printing while the interpreter shuts down.

    Args:
        log: appended to.

    Returns:
        What was standard output.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    with log.open("ab") as stream:
        os.dup2(stream.fileno(), sys.stdout.fileno())
        os.dup2(stream.fileno(), sys.stderr.fileno())
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            _LossyFile(stream.fileno(), "wb", closefd=False), errors="backslashreplace", write_through=True
        )
        for stream in (sys.stdout, sys.stderr)
    )
    return terminal


class _LossyFile(io.FileIO):
    """Loses what does not fit on the disk: a run must be able to tell of a full disk without failing once more."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)
