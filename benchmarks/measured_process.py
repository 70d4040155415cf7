"""Run a program, and measure its time and the memory of all its processes together."""

import dataclasses
import os
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

MEMORY_SECONDS = 0.5  # between two samples of the process tree
# The summed memory: on Linux PSS, which divides a page among the processes that share it, so that libraries count once;
# elsewhere RSS, which counts them in each process.
MEMORY = "pss" if psutil.LINUX else "rss"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run of one program."""

    seconds: float  # wall clock, process start to end
    peak_mib: float  # peak memory of the process and its children together; see MEMORY
    nodes: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds in each node, if the run reports them


def measure(command: list[str], directory: Path, environment: Mapping[str, str], log: Path) -> MeasuredRun:
    """Run a command to its end.

    Args:
        command: program and arguments.
        directory: to run it in.
        environment: variables in addition to this process's own.
        log: receives its output.

    Returns:
        Time and peak memory.

    Raises:
        RuntimeError: The command failed, so its time would mean nothing. Or the memory of one of its processes could
            not be read.
    """
    begin = time.monotonic()
    with log.open("wb") as output, ThreadPoolExecutor(max_workers=1) as pool:
        process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        peak = pool.submit(_watch, process)
        status = process.wait()
        seconds = time.monotonic() - begin
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)} ended with status {status}:\n{tail}")
    return MeasuredRun(seconds=seconds, peak_mib=peak.result() / 2**20)


def _watch(process: subprocess.Popen[bytes]) -> int:
    """Return the highest sum of memory, bytes, once the process has ended."""
    root = psutil.Process(process.pid)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_memory(one) for one in (root, *_children(root))))
        time.sleep(MEMORY_SECONDS)
    return peak


def _memory(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), MEMORY))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0  # the process ended between the two samples
    except psutil.AccessDenied as error:
        raise RuntimeError(
            f"the memory of process {process.pid} cannot be read: expected permission, received {error}; a sum without "
            "it would be too low; run the benchmark as the user who owns the processes"
        ) from error


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
