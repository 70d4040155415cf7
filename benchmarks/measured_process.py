"""Runs a program, and measures its time and the memory of all its processes together."""

import dataclasses
import os
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

MEMORY_SECONDS = 0.5  # between two looks at the process tree
# What is summed: on Linux PSS, which shares a page out among the processes that hold it, so that libraries count once;
# elsewhere there is only RSS, which counts them in each process.
MEMORY = "pss" if psutil.LINUX else "rss"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredRun:
    """One run of one program."""

    seconds: float  # wall clock, process start to end
    peak_mib: float  # memory of the process and its children together, at the highest; see MEMORY
    nodes: dict[str, float] = dataclasses.field(default_factory=dict)  # seconds in each node, where the run tells


def measure(command: list[str], directory: Path, environment: Mapping[str, str], log: Path) -> MeasuredRun:
    """Runs a command to its end.

    Args:
        command: program and arguments.
        directory: to run it in.
        environment: beside this process's own.
        log: where its output goes.

    Raises:
        RuntimeError: It failed: its time would say nothing.
    """
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=directory, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
        peak = [0.0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        status = process.wait()
    seconds = time.monotonic() - begin
    watcher.join()
    if status:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"{' '.join(command)} ended with status {status}:\n{tail}")
    return MeasuredRun(seconds=seconds, peak_mib=peak[0] / 2**20)


def _watch(process: subprocess.Popen[bytes], peak: list[float]) -> None:
    """Keeps the highest sum of memory in peak[0], bytes, until the process ends."""
    root = psutil.Process(process.pid)
    while process.poll() is None:
        peak[0] = max(peak[0], sum(_memory(one) for one in (root, *_children(root))))
        time.sleep(MEMORY_SECONDS)


def _memory(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), MEMORY))
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return 0  # It ended between the two looks.


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return list(root.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
