"""Run the product's commands and servers as processes that end with this one, even if it is killed with `kill -9`.

Servers start in a new interpreter. Commands that import TFX are forks of one process that has imported it: the import
takes 5 s of processor time, and a replay runs about fifty commands.
"""

import contextlib
import multiprocessing
import os
import runpy
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess, SpawnProcess
from pathlib import Path
from typing import NoReturn

from serving.process_control import exit_now

_SPAWN, _FORK_SERVER = multiprocessing.get_context("spawn"), multiprocessing.get_context("forkserver")
_PRELOADED = "pipelines.replay.preloaded"
_GRACE = 40.0  # seconds for a process to end; the model server waits 30 for its requests


class Commands:
    """Run commands one after the other, and append their output to a log."""

    def __init__(self, log: Path):
        self.log = log
        # Hide TensorFlow's messages about the machine, here because forked processes inherit the variable.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        _FORK_SERVER.set_forkserver_preload([_PRELOADED])

    def run(self, package: str, *arguments: str) -> int:
        """Run `python -m <package> <arguments>` to its end, as the loop's own run_command does.

        Returns:
            The exit status; if negative, the number of the signal that ended the process.

        Raises:
            KeyboardInterrupt: This process was interrupted. The command has been ended too.
        """
        self.say(f"$ {shlex.join(['python', '-m', package, *arguments])}")
        process = _FORK_SERVER.Process(target=_execute, args=(package, arguments, self.log, {}))
        process.start()
        try:
            process.join()
        except KeyboardInterrupt:
            _end(process)
            raise
        assert process.exitcode is not None, "it was joined"
        return process.exitcode

    def say(self, line: str) -> None:
        """Append a line to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class Server:
    """A server process, from its creation to `stop`."""

    def __init__(self, name: str, log: Path, arguments: tuple[str, ...], environment: Mapping[str, str]):
        """Start `python -m serving <name> <arguments>`.

        Args:
            name: `server` or `gateway`.
            log: file for its output.
            arguments: of the command line.
            environment: variables in addition to those of this process.
        """
        self.name, self.log = name, log
        given = ("serving", (name, *arguments), log, dict(environment))
        self._process = _SPAWN.Process(target=_execute, args=given, name=name)
        self._process.start()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.is_alive()

    def stop(self) -> int | None:
        """End the server in order, and return its exit status."""
        _end(self._process)
        return self._process.exitcode


def _end(process: SpawnProcess | ForkServerProcess) -> None:
    """End the process in order, or by force after 40 s; then kill the processes that it left running."""
    assert process.pid is not None, "it was started"
    process.terminate()
    process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
    with contextlib.suppress(ProcessLookupError):  # No process of its group is left.
        os.killpg(process.pid, signal.SIGKILL)


def _execute(package: str, arguments: tuple[str, ...], log: Path, environment: Mapping[str, str]) -> NoReturn:
    """Run the command line in the new process, and exit with its status."""
    # Ctrl-C in the terminal must reach only the replay, which then ends this process.
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    warnings.filterwarnings("ignore", module="google")  # advice on Python versions, which the dependencies decide
    sys.argv = [package, *arguments]
    status = 0
    try:
        runpy.run_module(package, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
    exit_now(status)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(os.getpgrp(), signal.SIGKILL)  # including the processes that this one started
