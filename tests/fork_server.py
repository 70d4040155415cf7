"""Commands of a copy of the project, in forks of a process that has the libraries loaded, as `make watch` runs them.

Loading TFX takes as long as most commands of a transcript do. A fork imports the copy's code anew, so it may be edited.
"""

import contextlib
import dataclasses
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class ForkServer:
    """The process that forks."""

    _process: subprocess.Popen[str]

    @classmethod
    @contextlib.contextmanager
    def started(cls, root: Path, environment: Mapping[str, str]) -> Iterator["ForkServer"]:
        """A server for the copy in `root`; it ends with the last command."""
        command = [sys.executable, "-m", "tests.fork_server"]
        with subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield cls(process)
            finally:
                process.kill()

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs `python -m pipelines` with these arguments to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps([arguments, dict(environment), folder]), file=self._process.stdin, flush=True)
            status = self._process.stdout.readline()
            assert status, f"expected the exit status of {arguments}; the process that forks has ended before"
            out, err = (Path(folder, name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(arguments, int(status), out, err)


def _serve() -> None:
    from pipelines.runner.watch import _LIBRARIES, forget_modules
    from serving.process_control import gc_paused_imports

    with gc_paused_imports():
        for name in _LIBRARIES:
            importlib.import_module(name)
    for line in sys.stdin:
        arguments, environment, folder = json.loads(line)
        child = os.fork()
        if not child:
            forget_modules(Path.cwd())
            _become(arguments, environment, Path(folder))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """In the fork: runs the command and ends the process."""
    os.environ.clear()
    os.environ.update(environment)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = os.open(os.devnull if name == "stdin" else folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(file, number)
    sys.argv[1:] = arguments
    status: object = 1
    try:
        runpy.run_module("pipelines", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else int(bool(status)))


if __name__ == "__main__":
    _serve()
