"""The product's commands as processes that end with this one, however it ends: by `kill -9`, too.

Servers start in a fresh interpreter. Commands that load TFX start as forks of one process that has loaded it: loading
takes 5 s of processor time, and a replay runs some fifty of them.
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
_GRACE = 40.0  # seconds that a command has to end; the model server gives its requests 30


class Commands:
    """Runs commands one after the other; what they say goes to a log."""

    def __init__(self, log: Path):
        self.log = log
        # TensorFlow's own notes on the machine: the process that is forked loads it.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        _FORK_SERVER.set_forkserver_preload([_PRELOADED])

    def run(self, package: str, *arguments: str) -> int:
        """Run `python -m <package> <arguments>` to its end, as the loop's own run_command does.

        Returns:
            Its exit status; negative: the signal that ended it.

        Raises:
            KeyboardInterrupt: This process was told to end; so was the command, and it has ended.
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
        """Add a line to the log."""
        with self.log.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class Server:
    """A server, from `start` to `stop`."""

    def __init__(self, name: str, log: Path, arguments: tuple[str, ...], environment: Mapping[str, str]):
        """Start `python -m serving <name> <arguments>`.

        Args:
            name: `server` or `gateway`.
            log: file for what it says.
            arguments: of the command line.
            environment: variables beside those of this process.
        """
        self.name, self.log = name, log
        given = ("serving", (name, *arguments), log, dict(environment))
        self._process = _SPAWN.Process(target=_execute, args=given, name=name)
        self._process.start()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.is_alive()

    def stop(self) -> int | None:
        """End it in order, and returns its exit status."""
        _end(self._process)
        return self._process.exitcode


def _end(process: SpawnProcess | ForkServerProcess) -> None:
    """End the process in order, or by force after its grace; then whatever it left running."""
    assert process.pid is not None, "it was started"
    process.terminate()
    process.join(_GRACE)
    if process.is_alive():
        process.kill()
        process.join()
    with contextlib.suppress(ProcessLookupError):  # It has ended, and left nothing behind.
        os.killpg(process.pid, signal.SIGKILL)


def _execute(package: str, arguments: tuple[str, ...], log: Path, environment: Mapping[str, str]) -> NoReturn:
    """In the process: runs the command line and ends with its status."""
    # Ctrl-C in the terminal reaches the replay alone, which ends this process.
    os.setpgid(0, 0)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    warnings.filterwarnings("ignore", module="google")  # advice on Python versions, which the stack settles
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
    os.killpg(os.getpgrp(), signal.SIGKILL)  # with what this process has started
