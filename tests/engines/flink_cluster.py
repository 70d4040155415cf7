"""A Flink cluster of a test, and runs on it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from environment.flink import packages
from environment.flink.cluster import JOB_MANAGER, Cluster, down, read_state, running_processes
from environment.flink.tether import tethered

_SECONDS = 120.0


class FlinkCluster:
    """Two TaskManagers with a slot each, below a run's folder."""

    def __init__(self, var: Path) -> None:
        self.folder = var / "flink"
        self._cluster = Cluster(self.folder, packages.fetch())

    def restart(self) -> None:
        """Stops what runs of it, and starts it again, as `make flink-down flink-up` does."""
        down(self.folder)
        self._cluster.up(2, 1)

    @classmethod
    @contextmanager
    def up(cls, var: Path) -> Iterator["FlinkCluster"]:
        """Starts it, and stops it whatever happens to the test, or to the process that the test is in."""
        cluster = cls(var)
        with tethered(cluster._cluster, 2, 1):
            yield cluster

    def jobs(self) -> list[dict[str, Any]]:
        """Flink's own word on every job there was, the first first."""
        with urllib.request.urlopen(f"http://{read_state(self.folder)['rest']}/jobs/overview", timeout=30) as answer:
            return sorted(json.load(answer)["jobs"], key=lambda job: job["start-time"])

    def wait_until_running(self, before: int, seconds: float = _SECONDS) -> None:
        """Waits until a job beyond the first `before` has tasks that run."""
        self._wait_for(before, lambda job: job["tasks"]["running"], seconds)

    def wait_until_under_way(self, before: int) -> None:
        """Waits until a job beyond the first `before` has tasks that are done, and others that run."""
        self._wait_for(before, lambda job: job["tasks"]["finished"] and job["tasks"]["running"])

    def _wait_for(self, before: int, arrived: Callable[[dict[str, Any]], object], seconds: float = _SECONDS) -> None:
        end = time.monotonic() + seconds
        while not any(job["state"] == "RUNNING" and arrived(job) for job in self.jobs()[before:]):
            assert time.monotonic() < end, self.jobs()
            time.sleep(0.1)

    def kill_task_manager(self) -> None:
        """As `kill -9`; another one takes its place."""
        running_processes(self.folder)["taskmanager-1"].kill()
        self._cluster.start_task_manager("taskmanager-1", 1)

    def kill_job_manager(self) -> None:
        """As `kill -9`; nothing takes its place."""
        running_processes(self.folder)[JOB_MANAGER].kill()
