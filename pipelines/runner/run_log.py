"""Redirect output to the log, since TFX, Beam and TensorFlow write thousands of lines."""

import io
import os
import sys
from pathlib import Path
from typing import TextIO


def redirect_output(log: Path) -> TextIO:
    """Append all output of this process and its libraries to `log`, until the process ends.

    The file descriptors are redirected, since TensorFlow's C++ code writes to them directly. They are not restored,
    since libraries still print while the interpreter shuts down.

    Args:
        log: the log file.

    Returns:
        The standard output as it was before.
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
    """A file that drops what does not fit on the disk, so that a run can report a full disk without failing again."""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)
