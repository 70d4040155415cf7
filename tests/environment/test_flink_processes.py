"""What ends with a Flink cluster, and what must not. Processes of Python stand in for those of Java."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment.flink.cluster import STATE, Cluster, Process, down, running_processes
from environment.flink.packages import Packages

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
SLEEPS = [sys.executable, "-c", "import time; time.sleep(600)"]
# A TaskManager with a worker in its process group, whose id it prints.
STARTS_A_WORKER = [
    sys.executable,
    "-c",
    "import subprocess, sys, time\n"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True)\n"
    "time.sleep(600)",
]


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[str]]:
    """Leads a group of its own, as each process of the cluster does, and has a child in it."""
    process = subprocess.Popen(STARTS_A_WORKER, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def worker_of(leader: subprocess.Popen[str]) -> Process:
    assert leader.stdout is not None
    return Process.of(int(leader.stdout.readline()))


def wait_until_over(*processes: Process) -> None:
    end = time.monotonic() + SECONDS
    while any(process.runs() for process in processes):
        assert time.monotonic() < end, [process for process in processes if process.runs()]
        time.sleep(0.05)


def write_state(folder: Path, **processes: Process) -> None:
    folder.mkdir(exist_ok=True)
    (folder / STATE).write_text(
        json.dumps({"processes": {name: dataclasses.asdict(process) for name, process in processes.items()}})
    )


def test_a_process_that_ends_while_it_is_looked_at_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    own, read, reads = Process.of(os.getpid()), Path.read_text, []

    def read_once(path: Path) -> str:
        """Let the file of the process be there for one read."""
        reads.append(path)
        if len(reads) > 1:
            raise FileNotFoundError(path)
        return read(path)

    monkeypatch.setattr(Path, "read_text", read_once)
    assert own.runs()
    assert not own.runs()
    assert len(reads) == 2


def test_workers_end_with_a_task_manager_that_was_killed_before(leader: subprocess.Popen[str], tmp_path: Path) -> None:
    worker = worker_of(leader)
    write_state(tmp_path, taskmanager=Process.of(leader.pid))
    leader.kill()
    leader.wait()
    assert worker.runs()
    assert down(tmp_path) == []
    wait_until_over(worker)
    assert not (tmp_path / STATE).exists()


def test_a_process_that_got_the_id_of_one_that_is_gone_is_left_alone(
    leader: subprocess.Popen[str], tmp_path: Path
) -> None:
    worker, there = worker_of(leader), Process.of(leader.pid)
    write_state(tmp_path, taskmanager=dataclasses.replace(there, started=there.started - 1))
    assert running_processes(tmp_path) == {}
    assert down(tmp_path) == []
    time.sleep(0.2)
    assert there.runs()
    assert worker.runs()


def test_a_cluster_ends_with_the_process_that_it_was_started_for(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from unittest import mock
from environment.flink import cluster, packages, tether

class Pretended(cluster.Cluster):
    def up(self, task_managers, slots):
        self.folder.mkdir()
        with mock.patch("subprocess.Popen", lambda command, **how: POPEN({SLEEPS!r}, **how)):
            (self.folder / "log").mkdir()
            self.start_task_manager("taskmanager-1", slots)

POPEN = cluster.subprocess.Popen
with tether.tethered(Pretended(Path({str(tmp_path / "flink")!r}), packages.Packages(Path("/nowhere"))), 1, 1):
    print("up", flush=True)
    time.sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        (started,) = running_processes(tmp_path / "flink").values()
        os.killpg(owner.pid, signal.SIGKILL)
    wait_until_over(started)


def test_a_task_manager_in_place_of_a_dead_one_ends_what_that_left(
    leader: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = worker_of(leader)
    write_state(tmp_path, **{"taskmanager-1": Process.of(leader.pid)})
    leader.kill()
    leader.wait()
    (tmp_path / "log").mkdir()
    start = subprocess.Popen
    monkeypatch.setattr("environment.flink.cluster.subprocess.Popen", lambda command, **how: start(SLEEPS, **how))
    Cluster(tmp_path, Packages(tmp_path)).start_task_manager("taskmanager-1", 1)
    wait_until_over(worker)
    assert down(tmp_path) == ["taskmanager-1"]
