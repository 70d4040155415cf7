"""Beam on a Flink cluster, through Beam's job server, with Python workers that TaskManagers start beside themselves.

On Kubernetes a pool beside each TaskManager starts them instead (pipelines/deploy/kubernetes/flink).
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
# A worker takes 5 to 10 s to load TensorFlow and TFX; kept so long it serves the next stage, and the next node.
_KEEP_WORKERS_MS = 120_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class FlinkEngine:
    """A Flink cluster whose workers see the disk that this run writes to."""

    rest: str  # host:port of the JobManager's REST API
    job_endpoint: str  # host:port of Beam's job server
    parallelism: int  # tasks of a job that run at the same time: the cluster's slots, at most
    worker: Path | None  # an executable file: starts a Python worker on a TaskManager's machine; None: a pool does
    worker_pool: str | None = None  # host:port of that pool, as its TaskManager sees it
    job_name: str  # of every job of the run; tells its jobs from those of others
    time_limit: int  # seconds that a job may take

    @classmethod
    def of_cluster(cls, folder: Path, *, job_name: str, time_limit: int) -> Self:
        """The engine for the cluster that `make flink-up` started from this folder, such as var/flink.

        A `cluster.json` that names a `worker_pool` is of a cluster elsewhere: the folder is not written to.

        Raises:
            EngineError: There is none.
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
        """Beam's arguments for every node."""
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
        """How a TaskManager gets workers: https://beam.apache.org/documentation/runtime/sdk-harness-config."""
        if self.worker_pool:
            return ("--environment_type=EXTERNAL", f"--environment_config={self.worker_pool}")
        command = json.dumps({"command": str(self.worker)})
        return ("--environment_type=PROCESS", f"--environment_config={command}")

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Cancel what an earlier run left on the cluster, ends a job over its time limit, and leaves none behind.

        Raises:
            EngineError: The cluster does not answer.
        """
        # Imported here: they load Beam and its logging.
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
    """A shell script: a TaskManager can start one executable file, and adds Beam's addresses to its arguments."""
    project = Path(__file__).resolve().parents[2]
    return f"""#!/bin/sh
export PYTHONPATH={shlex.quote(os.pathsep.join(dict.fromkeys((os.getcwd(), str(project)))))}
export TF_CPP_MIN_LOG_LEVEL=2 TMPDIR={shlex.quote(str(folder / "tmp"))}
exec {shlex.quote(sys.executable)} -W ignore -m pipelines.engines.beam_worker "$@"
"""
