"""Runs a Python program in a child process that ends with this one, however this one ends.

`run_python` starts it. The child runs this file as a script, which needs the standard library alone:
`python -P child_process.py (SCRIPT | -m MODULE) ARGUMENT …`, or with `--standby SOCKET`, which
components.candidate_serving.standby starts: it imports TensorFlow, and runs each program in a fork of itself.
"""

import contextlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

STANDBY = "--standby"
MESSAGE_BYTES = 1 << 16  # of a request to a standby process, at most
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
    with (
        log.open("wb") as output,
        # The pipe that is the child's standard input closes when this process dies.
        subprocess.Popen(
            [sys.executable, "-P", __file__, *program],
            cwd=workdir,
            env=make_environment(project),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


def make_environment(project: Path | None) -> dict[str, str]:
    """Makes the environment variables of a child that imports from `project`, or from nothing of ours."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if project:
        environment["PYTHONPATH"] = str(project)
    # This process may hold the GPU's memory, and kernels there may differ from batch size to batch size.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment


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


def _wait_for_programs(requests: socket.socket) -> list[str]:
    """Imports TensorFlow, and forks for each request; returns the program in each fork, and here never.

    A request is a JSON object with `program`, `workdir` and `project`, and three files: what becomes the fork's
    standard input and its log, and where its id and, once it has ended, its exit status are written, a line each.
    """
    os.close(os.pidfd_open(os.getpid()))  # Where the system refuses it, this ends here, and programs run without it.
    import tensorflow  # noqa: F401  # Imported here: this is what the forks need not do.

    # From Python 3.12 on. What an import starts, such as OpenBLAS's threads, no fork needs.
    warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)
    reports: dict[int, int] = {}  # a fork's pidfd -> where its status goes
    with selectors.DefaultSelector() as ready:
        ready.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not requests:
                    ready.unregister(key.fd)
                    _report_end(key.data, key.fd, reports.pop(key.fd))
                    continue
                message, files, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 3)
                if not message:
                    os._exit(0)
                child = os.fork()
                if child == 0:
                    for inherited in (requests.detach(), *reports, *reports.values()):
                        os.close(inherited)
                    return _become_child(json.loads(message), *files)
                standard_input, log, report = files
                os.close(standard_input)
                os.close(log)
                os.write(report, b"%d\n" % child)
                handle = os.pidfd_open(child)
                reports[handle] = report
                ready.register(handle, selectors.EVENT_READ, child)


def _report_end(child: int, handle: int, report: int) -> None:
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):  # Nobody asks any more.
        os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os.close(report)
    os.close(handle)


def _become_child(request: dict[str, Any], standard_input: int, log: int, report: int) -> list[str]:
    """Makes a fork what `run_python` starts in a node, where Ctrl-C is ignored, too; returns its program."""
    for source, targets in ((standard_input, (0,)), (log, (1, 2))):
        for target in targets:
            os.dup2(source, target)
        os.close(source)
    os.close(report)
    os.chdir(request["workdir"])
    if request["project"]:
        os.environ["PYTHONPATH"] = request["project"]
        sys.path.insert(0, request["project"])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    program: list[str] = request["program"]
    return program


if __name__ == "__main__":
    if "PYTHONPATH" not in os.environ:
        _forget_project()
    _forget_unused()
    if sys.argv[1] == STANDBY:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Who started it ends it.
        sys.argv[1:] = _wait_for_programs(socket.socket(fileno=int(sys.argv[2])))
    else:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
