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
# The summed memory: on Linux PSS, which divides a page among the processes that share it, so that libraries count once;
# elsewhere RSS, which counts them in each process.
MEMORY = "pss" if psutil.LINUX else "rss"
# What is summed for a child and its own children: USS, what no other process holds. Of PSS a fork would have more or
# less, by how many others share the libraries with it at that moment.
OWN_MEMORY = "uss"
_MIB = 2**20


@dataclasses.dataclass(kw_only=True)
class Branch:
    """A process that the measured one started, with all that it started in turn; or the measured one by itself."""

    started: float  # seconds since the epoch
    is_fork: bool = True  # of the measured one; otherwise it runs another command
    peak_mib: float = 0.0  # of OWN_MEMORY, at the highest


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run of one program."""

    seconds: float  # wall clock, process start to end
    peak_mib: float  # memory of the process and its children together, at the highest; see MEMORY
    branches: Sequence[Branch] = ()  # the measured process first, then its children in the order of their start
    nodes: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds in each node, where the run tells
    node_mib: dict[str, float] = dataclasses.field(default_factory=dict)  # of OWN_MEMORY; likewise
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
        helpers: ids of processes that work for it and that it did not start; they count with their children.

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
    """Return the sum of memory, MiB, at each look, the branches, and processor seconds, when the process has ended."""
    root = psutil.Process(process.pid)
    others = [psutil.Process(pid) for pid in helpers]
    # The system counts the starts of processes from its own, which it knows to a second; in between they are exact.
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
    """Return what each process has used that is still there; of its children it counts nothing."""
    used = {}
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used[process] = times.user + times.system
    return used


def _read_branches(root: psutil.Process) -> dict[psutil.Process, list[psutil.Process]]:
    """Return the root by itself, and each of its children with its descendants."""
    return {root: [root]} | {child: [child, *_children(child, recursive=True)] for child in _children(root)}


def _memory(process: psutil.Process) -> tuple[float, float]:
    """Return MEMORY and OWN_MEMORY, MiB."""
    try:
        read = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0.0, 0.0  # It ended between the two looks.
    except psutil.AccessDenied as error:
        raise RuntimeError(
            f"the memory of process {process.pid} cannot be read: expected permission, received {error}; a sum without "
            "it would be too low; run the benchmark as the user who owns the processes"
        ) from error
    return getattr(read, MEMORY) / _MIB, getattr(read, OWN_MEMORY) / _MIB


def _read_command(process: psutil.Process) -> list[str]:
    """Return its command line; nothing of one that has ended."""
    try:
        return list(process.cmdline())
    except psutil.NoSuchProcess:
        return []


def _children(process: psutil.Process, *, recursive: bool = False) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=recursive))
    except psutil.NoSuchProcess:
        return []
