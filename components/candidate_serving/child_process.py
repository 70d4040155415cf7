"""Runs a program in a process of its own that ends with this one, however this one ends.

The first half starts it. The second half is a script of standard library alone, which the child runs:
`python -P child_process.py (SCRIPT | -m MODULE) ARGUMENT …`.
"""

import contextlib
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def started(
    program: Sequence[str], *, workdir: Path, log: Path, project: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program, on the CPU, killed at the end of the `with` block.

    Args:
        program: a script, or `-m` and a module, with the arguments.
        workdir: its working directory.
        log: gets what it writes to standard output and standard error.
        project: the folder it imports from, beside the installed packages; None: nothing but those.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if project:
        environment["PYTHONPATH"] = str(project)
    # This process may hold the GPU's memory, and kernels there may differ from batch size to batch size.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    with (
        log.open("wb") as output,
        # The pipe that is the child's standard input closes when this process dies.
        subprocess.Popen(
            [sys.executable, "-P", __file__, *program],
            cwd=workdir,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


def last_line(log: Path) -> str:
    """The last line that a child left in its log, which is as a rule its error."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
