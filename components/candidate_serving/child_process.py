"""Run a Python program in a child process that ends when this process ends, even if this one is killed.

`run_python` starts the child. The child runs this file as a script, which imports only the standard library before the
program: `python -P child_process.py (SCRIPT | -m MODULE) ARGUMENT …`.

With `--standby SOCKET`, the script imports TensorFlow and then runs each program that it is asked for in a fork of
itself. components.candidate_serving.standby starts that process.
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
MESSAGE_BYTES = 1 << 16  # maximum size of a request to a standby process
_UNUSED = ("googleapiclient", "pandas", "sklearn")


@contextlib.contextmanager
def run_python(
    program: Sequence[str], *, workdir: Path, log: Path, project: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program on the CPU, and kill it at the end of the `with` block.

    Args:
        program: a script, or `-m` and a module, followed by the arguments.
        workdir: its working directory.
        log: file for its standard output and standard error.
        project: the folder that it imports from in addition to the installed packages; None: only the installed ones.

    Yields:
        The running process.
    """
    with (
        log.open("wb") as output,
        # The child's standard input is a pipe, which closes when this process dies; the child then ends itself.
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
    """Return the environment variables of a child that imports from `project`, or from installed packages only."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if project:
        environment["PYTHONPATH"] = str(project)
    # This process may hold the GPU's memory, and kernels there may differ from batch size to batch size.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment


def read_last_line(log: Path) -> str:
    """Return the last line of a child's log, which normally is its error."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no message"


def _forget_project() -> None:
    """Remove this project from the import path, to which an editable install adds it."""
    this_file = Path(*Path(__file__).parts[-3:])
    sys.path[:] = [entry for entry in sys.path if not Path(entry, this_file).exists()]


def _forget_unused() -> None:
    """Block the import of libraries that TensorFlow and Keras import if they are installed, and that are not used here.

    `import tensorflow` takes 5.3 to 6.2 s of processor time with them and 4.3 s without, on two busy cores.
    """
    sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]  # None makes the import fail


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _wait_for_programs(requests: socket.socket) -> list[str]:
    """Import TensorFlow, then fork for each request; this function returns only in the forks.

    A request is a JSON object with `program`, `workdir` and `project`, together with three open files: the fork's
    standard input, its log, and a pipe for reports. This process writes two lines to that pipe: the fork's process id
    and, when it has ended, its exit status.

    Args:
        requests: the socket that requests arrive on.

    Returns:
        The program that the fork has to run, with its arguments.
    """
    # If the system does not allow pidfds, this process ends here, and programs start without a standby process.
    os.close(os.pidfd_open(os.getpid()))
    import tensorflow  # noqa: F401  # Imported here, before the forks, so that they need not import it.

    # Python 3.12 and later warn of forks with threads. The threads here, such as OpenBLAS's, come from imports; no fork
    # needs them.
    warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)
    reports: dict[int, int] = {}  # a fork's pidfd -> the pipe for its exit status
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
    with contextlib.suppress(BrokenPipeError):  # The process that asked for the fork has closed the pipe.
        os.write(report, b"%d\n" % os.waitstatus_to_exitcode(status))
    os.close(report)
    os.close(handle)


def _become_child(request: dict[str, Any], standard_input: int, log: int, report: int) -> list[str]:
    """Give a fork the standard streams, folder and import path that `run_python` gives a child; return its program.

    Like a child of a node, a fork ignores Ctrl-C: it inherits that from the standby process.

    Args:
        request: `program`, `workdir` and `project`.
        standard_input: open file; the fork ends when its other end is closed.
        log: open file for standard output and standard error.
        report: the pipe for reports, which only the standby process writes to.

    Returns:
        The program that the fork has to run, with its arguments.
    """
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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # The process that started this one ends it.
        sys.argv[1:] = _wait_for_programs(socket.socket(fileno=int(sys.argv[2])))
    else:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
