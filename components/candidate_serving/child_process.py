"""Runs a Python program in a child process that ends with this one, however this one ends.

`run_python` starts it. The child runs this file as a script, which needs the standard library alone:
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

_UNUSED = ("googleapiclient", "pandas", "sklearn")


@contextlib.contextmanager
def run_python(
    program: Sequence[str], *, workdir: Path, log: Path, project: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a Python program on the CPU; the end of the `with` block kills it.

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


def read_last_line(log: Path) -> str:
    """Returns the last line that a child wrote to its log: as a rule its error."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _forget_project() -> None:
    """Removes this project from the import path, where an editable install puts it."""
    this_file = Path(*Path(__file__).parts[-3:])
    sys.path[:] = [entry for entry in sys.path if not Path(entry, this_file).exists()]


def _forget_unused() -> None:
    """Makes as if libraries were not installed that TensorFlow and Keras import where they are, and nobody here uses.

    They take a quarter of the processor time of `import tensorflow`: 5.3 to 6.2 s with them, 4.3 s without, on two busy
    cores.
    """
    sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None: an import of it fails


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if "PYTHONPATH" not in os.environ:
        _forget_project()
    _forget_unused()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
