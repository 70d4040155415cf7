"""How many nodes run at the same time, by cores and by free memory."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from pipelines.options import RunOptions
from pipelines.runner import capacity
from pipelines.runner.capacity import NODE_BYTES, free_in_cgroup, nodes_at_once, processes_at_once

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes this machine one of so many cores and so many nodes' memory."""

    def make(*, cores: int, memory: float, container: float = float("inf"), platform: str = "linux") -> None:
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
        available = SimpleNamespace(available=int(memory * NODE_BYTES))
        monkeypatch.setattr(psutil, "virtual_memory", lambda: available)
        monkeypatch.setattr(capacity, "free_in_cgroup", lambda folder: container * NODE_BYTES)

    return make


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({"cores": 2, "memory": 5}, 2),
        ({"cores": 1, "memory": 5}, 1),
        ({"cores": 16, "memory": 3.9}, 3),
        ({"cores": 2, "memory": 1.9}, 1),
        ({"cores": 2, "memory": 0.5}, 1),
        ({"cores": 8, "memory": 40, "container": 2.1}, 2),
        ({"cores": 8, "memory": 40, "platform": "darwin"}, 1),
    ],
)
def test_cores_and_free_memory_decide(machine: Machine, described: dict[str, object], expected: int) -> None:
    machine(**described)
    assert nodes_at_once() == expected


def test_what_a_container_leaves(tmp_path: Path) -> None:
    assert free_in_cgroup(tmp_path) == float("inf")  # no container, or cgroups of version 1
    (tmp_path / "memory.current").write_text("1000\n")
    (tmp_path / "memory.max").write_text("4000\n")
    assert free_in_cgroup(tmp_path) == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_in_cgroup(tmp_path) == float("inf")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (RunOptions(), 2),
        (RunOptions(at_once=3), 3),
        (RunOptions(engine="flink"), 1),
    ],
)
def test_processes_of_a_run(machine: Machine, options: RunOptions, expected: int) -> None:
    machine(cores=2, memory=4)
    assert processes_at_once(options) == expected
