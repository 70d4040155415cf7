"""Keeps a process ready that has TensorFlow loaded; the candidate's processes are forks of it.

Importing TensorFlow takes 4 s of processor time in each of SkewGate's two processes. This one imports it once, while
the Trainer leaves a core idle. It is started as `child_process.run_python` starts a program, without this project on
its path; so what a fork of it can import is what a new process could. It computes nothing, so that it can be forked.

It ends with the process that made it and the forks of that one, each fork of it with who asked: by `kill -9`, too.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, Self

from components.candidate_serving import child_process

_ready: list["Standby"] = []  # those of this process, or of the process that it is a fork of


class Child(Protocol):
    """A program that was started: what of subprocess.Popen is asked.

    Attributes:
        returncode: its exit status, or the negative number of the signal that ended it; None before `poll` saw the end.
    """

    returncode: int | None

    def poll(self) -> int | None:
        """Returns its exit status, if it has ended."""


class Standby:
    """A process that imports TensorFlow and waits for programs; a context manager, at whose end it ends. Linux only."""

    def __enter__(self) -> Self:
        """Starts it, and returns at once."""
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", child_process.__file__, child_process.STANDBY, str(number)],
                env=child_process.make_environment(None),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[number],
            )
        _ready.append(self)
        return self

    def __exit__(self, *raised: object) -> None:
        _ready.remove(self)
        self._requests.close()
        self._process.kill()
        self._process.wait()

    def request(self, program: Sequence[str], files: Sequence[int], workdir: Path, project: Path | None) -> bool:
        """Asks for a program in a fork of it, unless it has ended, and tells whether it did; child_process has more."""
        message = {"program": list(program), "workdir": str(workdir), "project": str(project) if project else None}
        try:
            socket.send_fds(self._requests, [json.dumps(message).encode()], files)
        except ConnectionError:
            return False
        return True


class _StandbyChild:
    """A fork of the standby process."""

    returncode: int | None = None

    def __init__(self, reports: int) -> None:
        """Takes the pipe that its id and its exit status come by, a line each, or nothing where it was never made."""
        self._reports, self._read = reports, b""

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._reports], [], [], 0)[0]:
            self._receive()
        return self.returncode

    def kill(self) -> None:
        """Ends it, and waits until it has ended."""
        while self.poll() is None:
            if b"\n" in self._read:
                with contextlib.suppress(ProcessLookupError):  # It ended this moment.
                    os.kill(int(self._read.split(b"\n")[0]), signal.SIGKILL)
            self._receive()

    def _receive(self) -> None:
        received = os.read(self._reports, 100)
        self._read += received
        _, *rest = self._read.split(b"\n")
        if len(rest) == 2:
            self.returncode = int(rest[0])
        elif not received:  # The standby process died, and could not say how its fork ended.
            self.returncode = -signal.SIGKILL


@contextlib.contextmanager
def run_python(program: Sequence[str], *, workdir: Path, log: Path, project: Path | None = None) -> Iterator[Child]:
    """Runs a program as `child_process.run_python` does: in a fork of the standby process where there is one."""
    with contextlib.ExitStack() as running:
        child: Child | None = _fork_standby(running, program, workdir, log, project) if _ready else None
        if child is None:
            child = running.enter_context(child_process.run_python(program, workdir=workdir, log=log, project=project))
        yield child


def _fork_standby(
    running: contextlib.ExitStack, program: Sequence[str], workdir: Path, log: Path, project: Path | None
) -> _StandbyChild | None:
    """Asks for a fork, which ends with `running`; None where the standby process has ended."""
    with contextlib.ExitStack() as theirs, log.open("wb") as output:
        standard_input = _open_pipe(reads=theirs, writes=running)[0]
        reports, their_reports = _open_pipe(reads=running, writes=theirs)
        if not _ready[-1].request(program, [standard_input, output.fileno(), their_reports], workdir, project):
            return None
    child = _StandbyChild(reports)
    running.callback(child.kill)
    return child


def _open_pipe(*, reads: contextlib.ExitStack, writes: contextlib.ExitStack) -> tuple[int, int]:
    """Opens a pipe, of which each end is closed with one of the stacks."""
    ends = os.pipe()
    for stack, end in zip((reads, writes), ends, strict=True):
        stack.callback(os.close, end)
    return ends
