"""Keep a standby process that has imported TensorFlow, and run programs in forks of it.

Importing TensorFlow takes 4 s of processor time in each of SkewGate's two processes. The standby process imports it
once, while the Trainer leaves a core idle. Like a program of `child_process.run_python`, it does not have this project
on its import path, so a fork can import exactly what a new process could. It computes nothing with TensorFlow, because
a process that has done so cannot be forked safely.

The standby process ends when the process that started it and all forks of that one have ended. A fork of the standby
process ends when the process that asked for it ends. Both hold for `kill -9`, too.
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

_ready: list["Standby"] = []  # started by this process, or by the process that it was forked from


class Child(Protocol):
    """A program that was started: the part of subprocess.Popen that callers use.

    Attributes:
        returncode: its exit status, or the negative number of the signal that ended it; None until `poll` has noticed
            the end.
    """

    returncode: int | None

    def poll(self) -> int | None:
        """Return its exit status; None while it runs."""


class Standby:
    """A process that imports TensorFlow and waits for programs, as a context manager that ends it. Linux only."""

    def __enter__(self) -> Self:
        """Start the process without waiting for its imports."""
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
        """Ask the process to run a program in a fork.

        Args:
            program: as of `child_process.run_python`.
            files: open files: the fork's standard input, its log, and the pipe for reports.
            workdir: the fork's working directory.
            project: as of `child_process.run_python`.

        Returns:
            True if it was asked; False if the process has ended.
        """
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
        """Read reports from a pipe.

        Args:
            reports: brings the process id and the exit status, a line each; nothing if the fork was never made.
        """
        self._reports, self._read = reports, b""

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._reports], [], [], 0)[0]:
            self._receive()
        return self.returncode

    def kill(self) -> None:
        """Kill the fork, and wait until it has ended."""
        while self.poll() is None:
            if b"\n" in self._read:
                with contextlib.suppress(ProcessLookupError):  # It ended since `poll`.
                    os.kill(int(self._read.split(b"\n")[0]), signal.SIGKILL)
            self._receive()

    def _receive(self) -> None:
        received = os.read(self._reports, 100)
        self._read += received
        _, *rest = self._read.split(b"\n")
        if len(rest) == 2:
            self.returncode = int(rest[0])
        elif not received:  # The standby process died before it could report how its fork ended.
            self.returncode = -signal.SIGKILL


@contextlib.contextmanager
def run_python(program: Sequence[str], *, workdir: Path, log: Path, project: Path | None = None) -> Iterator[Child]:
    """Run a program as `child_process.run_python` does, in a fork of the standby process if there is one."""
    with contextlib.ExitStack() as running:
        child: Child | None = _fork_standby(running, program, workdir, log, project) if _ready else None
        if child is None:
            child = running.enter_context(child_process.run_python(program, workdir=workdir, log=log, project=project))
        yield child


def _fork_standby(
    running: contextlib.ExitStack, program: Sequence[str], workdir: Path, log: Path, project: Path | None
) -> _StandbyChild | None:
    """Ask for a fork that is killed when `running` closes; return None if the standby process has ended."""
    with contextlib.ExitStack() as theirs, log.open("wb") as output:
        standard_input = _open_pipe(reads=theirs, writes=running)[0]
        reports, their_reports = _open_pipe(reads=running, writes=theirs)
        if not _ready[-1].request(program, [standard_input, output.fileno(), their_reports], workdir, project):
            return None
    child = _StandbyChild(reports)
    running.callback(child.kill)
    return child


def _open_pipe(*, reads: contextlib.ExitStack, writes: contextlib.ExitStack) -> tuple[int, int]:
    """Open a pipe, and let each of the two stacks close one end."""
    ends = os.pipe()
    for stack, end in zip((reads, writes), ends, strict=True):
        stack.callback(os.close, end)
    return ends
