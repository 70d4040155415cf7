"""Measure the processor time of processes."""

import os
import time
from collections.abc import Mapping

import psutil

GENERATOR = "generator"


class CpuClock:
    """Measure from its creation on; this process counts as the generator.

    Args:
        processes: the ids of other processes, by role.
    """

    def __init__(self, processes: Mapping[str, int]):
        self._processes = {
            role: psutil.Process(number) for role, number in {**processes, GENERATOR: os.getpid()}.items()
        }
        self._began = time.perf_counter()
        self._at_first = self._cpu_seconds()

    def read(self) -> tuple[float, dict[str, float]]:
        """Return wall-clock seconds since the creation, and processor seconds by role, user's and system's together."""
        seconds, used = time.perf_counter() - self._began, self._cpu_seconds()
        return seconds, {role: round(used[role] - self._at_first[role], 3) for role in used}

    def _cpu_seconds(self) -> dict[str, float]:
        return {
            role: sum(sum(one.cpu_times()[:2]) for one in (process, *_children(role, process)))
            for role, process in self._processes.items()
        }


def _children(role: str, process: psutil.Process) -> list[psutil.Process]:
    """Return the workers of a server; a generator has no working children."""
    return [] if role == GENERATOR else process.children(recursive=True)
