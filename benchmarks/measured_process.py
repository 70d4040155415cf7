"""Run a program, and measure its time and the memory of all its processes together."""

import contextlib
import dataclasses
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

MEMORY_SECONDS = 0.5  # between two samples of the process tree
# The kind of memory that is summed over all processes. On Linux it is PSS, which divides a page among the processes
# that share it, so that libraries count once. Elsewhere it is RSS, which counts them in each process.
MEMORY = "pss" if psutil.LINUX else "rss"
# The kind of memory that is summed for a child and its descendants: USS, the pages that no other process has. The PSS
# of a fork would depend on how many other processes share the libraries at that moment.
OWN_MEMORY = "uss"
_MIB = 2**20


@dataclasses.dataclass(kw_only=True)
class Branch:
    """A child of the measured process with all its descendants; or the measured process alone."""

    started: float  # seconds since the epoch
    is_fork: bool = True  # of the measured one; otherwise it runs another command
    peak_mib: float = 0.0  # largest sum of OWN_MEMORY


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run of one program."""

    seconds: float  # wall clock, process start to end
    peak_mib: float  # largest sum of MEMORY over the process and its children
    branches: Sequence[Branch] = ()  # the measured process first, then its children in the order of their start
    nodes: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds of each node, if the run records them
    node_mib: dict[str, float] = dataclasses.field(default_factory=dict)  # peak OWN_MEMORY of each node
    samples: Sequence[tuple[float, float]] = ()  # seconds since the epoch, and MiB of MEMORY at that moment
    processor_seconds: float = 0.0  # of all processes, except the last MEMORY_SECONDS of each


def measure(
    command: list[str], directory: Path, environment: Mapping[str, str], log: Path, helpers: Sequence[int] = ()
) -> MeasuredRun:
    """Run a command to its end.

    Args:
        command: program and arguments.
        directory: to run it in.
        environment: variables in addition to this process's own.
        log: receives its output.
        helpers: ids of processes that work for the command and that it did not start, such as a cluster; they and
            their children are measured, too.

    Returns:
        Time, processor time and memory.

    Raises:
        RuntimeError: The command failed, so its time would mean nothing. Or the memory of one of its processes could
            not be read.
    """
    begin, clock = time.monotonic(), time.time()
    with log.open("wb") as output, ThreadPoolExecutor(max_workers=1) as pool:
        process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        watched = pool.submit(_watch, process, clock, helpers)
        status = process.wait()
        seconds = time.monotonic() - begin
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)} ended with status {status}:\n{tail}")
    samples, branches, processor_seconds = watched.result()
    return MeasuredRun(
        seconds=seconds,
        peak_mib=max((mib for _, mib in samples), default=0.0),
        branches=branches,
        samples=samples,
        processor_seconds=processor_seconds,
    )


def _watch(
    process: subprocess.Popen[bytes], began: float, helpers: Sequence[int]
) -> tuple[list[tuple[float, float]], list[Branch], float]:
    """Watch the process until its end; return the samples of summed memory, the branches, and processor seconds."""
    root = psutil.Process(process.pid)
    others = [psutil.Process(pid) for pid in helpers]
    # The system counts the start of a process from its own start, which it knows to a second only. The differences
    # between processes are exact, so all starts are shifted by the error of the first.
    lag = began - root.create_time()
    branches = {root.pid: Branch(started=began)}
    command = _read_command(root)
    samples: list[tuple[float, float]] = []
    used = _processor_seconds(_with_children(others))
    before = sum(used.values())
    while process.poll() is None:
        total = sum(_memory(one)[0] for one in _with_children(others))
        used |= _processor_seconds(_with_children([root, *others]))
        for top, members in _read_branches(root).items():
            sizes = [_memory(one) for one in members]
            branch = branches.setdefault(top.pid, Branch(started=top.create_time() + lag))
            branch.is_fork = branch.is_fork and _read_command(top) in (command, [])
            branch.peak_mib = max(branch.peak_mib, sum(own for _, own in sizes))
            total += sum(shared for shared, _ in sizes)
        samples.append((time.time(), total))
        time.sleep(MEMORY_SECONDS)
    return samples, sorted(branches.values(), key=lambda branch: branch.started), sum(used.values()) - before


def _with_children(roots: Sequence[psutil.Process]) -> list[psutil.Process]:
    return [one for root in roots for one in (root, *_children(root, recursive=True))]


def _processor_seconds(processes: Sequence[psutil.Process]) -> dict[psutil.Process, float]:
    """Return the processor seconds of each process that still exists, without those of its children."""
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process] = times.user + times.system
    return used


def _read_branches(root: psutil.Process) -> dict[psutil.Process, list[psutil.Process]]:
    """Return the root alone, and each of its children with its descendants."""
    return {root: [root]} | {child: [child, *_children(child, recursive=True)] for child in _children(root)}


def _memory(process: psutil.Process) -> tuple[float, float]:
    """Return MEMORY and OWN_MEMORY, MiB."""
    try:
        read = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0.0, 0.0  # It ended after it was listed.
    except psutil.AccessDenied as error:
        raise RuntimeError(
            f"the memory of process {process.pid} cannot be read: expected permission, received {error}; a sum without "
            "it would be too low; run the benchmark as the user who owns the processes"
        ) from error
    return getattr(read, MEMORY) / _MIB, getattr(read, OWN_MEMORY) / _MIB


def _read_command(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty if it has ended."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def _children(process: psutil.Process, *, recursive: bool = False) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=recursive))
    except psutil.NoSuchProcess:
        return []
