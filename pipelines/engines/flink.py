"""Run Beam on a Flink cluster, through Beam's job server. TaskManagers start the Python workers on their machines.

On Kubernetes a pool next to each TaskManager starts them (pipelines/deploy/kubernetes/flink).
"""

import contextlib
import dataclasses
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from pipelines.engines.errors import EngineError
from pipelines.engines.flink_jobs import FlinkJobs
from pipelines.engines.local import COMMON_ARGS

_STATE = "cluster.json"  # environment/flink/cluster.py writes it
_WORKER = "worker"
# A worker takes 5 to 10 s to load TensorFlow and TFX. For 2 minutes it is kept for the next stage or node.
_KEEP_WORKERS_MS = 120_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class FlinkEngine:
    """A Flink cluster whose workers can access the disk that this run writes to."""

    rest: str  # host:port of the JobManager's REST API
    job_endpoint: str  # host:port of Beam's job server
    parallelism: int  # tasks of a job that run at the same time: the cluster's slots, at most
    worker: Path | None  # executable that starts a Python worker on a TaskManager's machine; None: a pool starts it
    worker_pool: str | None = None  # host:port of that pool, for its TaskManager
    job_name: str  # of all jobs of the run, and of no others
    time_limit: int  # seconds for a job

    @classmethod
    def of_cluster(cls, folder: Path, *, job_name: str, time_limit: int) -> Self:
        """Return the engine for the cluster whose `cluster.json` is in a folder.

        If that file names a `worker_pool`, the cluster is on other machines, and nothing is written to the folder.

        Args:
            folder: where `make flink-up` wrote `cluster.json`, such as var/flink.
            job_name: name of all jobs of the run.
            time_limit: seconds for a job.

        Raises:
            EngineError: There is no `cluster.json`.
        """
        try:
            state = json.loads((folder / _STATE).read_text())
        except FileNotFoundError as error:
            raise EngineError(
                f"no Flink cluster runs from {folder}: expected {folder / _STATE}, which `make flink-up` writes; "
                "run that first"
            ) from error
        pool = state.get("worker_pool")
        return cls(
            rest=state["rest"],
            job_endpoint=state["job_endpoint"],
            parallelism=int(state["slots"]),
            worker=None if pool else _write_worker(folder),
            worker_pool=pool,
            job_name=job_name,
            time_limit=time_limit,
        )

    def beam_args(self) -> tuple[str, ...]:
        """Return Beam's arguments for all nodes."""
        return (
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            f"--job_name={self.job_name}",
            f"--parallelism={self.parallelism}",
            *self._workers(),
            f"--environment_cache_millis={_KEEP_WORKERS_MS}",
            *COMMON_ARGS,
        )

    def _workers(self) -> tuple[str, str]:
        """Return the arguments for workers: https://beam.apache.org/documentation/runtime/sdk-harness-config."""
        if self.worker_pool:
            return ("--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}")
        command = json.dumps({"command": str(self.worker)})
        return ("--environment_type=PROCESS", f"--environment_config={command}")

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Cancel the run's jobs before and after the nodes, and each job that takes longer than the time limit.

        Yields:
            Nothing.

        Raises:
            EngineError: The cluster does not answer.
        """
        # Imported here, since they load Beam and its logging.
        from pipelines.engines.beam_jobs import BeamJobs
        from pipelines.engines.jobs import look_after

        with BeamJobs.at(self.job_endpoint) as submitted:
            services = (submitted, FlinkJobs(self.rest))
            with look_after(services, self.job_name, self.time_limit):
                yield


def _write_worker(folder: Path) -> Path:
    worker = folder / _WORKER
    worker.write_text(_worker_script(folder))
    worker.chmod(0o755)
    return worker


def _worker_script(folder: Path) -> str:
    """Return a shell script, since a TaskManager can only start one executable file; it passes Beam's addresses."""
    project = Path(__file__).resolve().parents[2]
    return f"""#!/bin/sh
export PYTHONPATH={shlex.quote(os.pathsep.join(dict.fromkeys((os.getcwd(), str(project)))))}
export TF_CPP_MIN_LOG_LEVEL=2 TMPDIR={shlex.quote(str(folder / "tmp"))}
exec {shlex.quote(sys.executable)} -W ignore -m pipelines.engines.beam_worker "$@"
"""
