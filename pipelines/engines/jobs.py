"""Looks after the jobs of a run on a cluster, over the API of Beam's job server: none outlives its run.

A job goes on when the process that submitted it is gone, and a job whose workers cannot start waits for ever.
"""

import contextlib
import threading
import time
from collections.abc import Iterator

import grpc
from absl import logging
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.engines.errors import EngineError

_POLL_SECONDS = 5.0
_CALL_SECONDS = 30.0
_JOB_NAME = "beam:option:job_name:v1"
_ENDED = frozenset({"STOPPED", "DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED"})


@contextlib.contextmanager
def look_after(endpoint: str, name: str, time_limit: float) -> Iterator[None]:
    """Cancels jobs of this name before and after the block, and inside it each that runs longer than `time_limit`.

    Args:
        endpoint: host:port of the job server.
        name: of the jobs.
        time_limit: seconds.

    Raises:
        EngineError: The job server does not answer.
    """
    with grpc.insecure_channel(endpoint) as channel:
        server = _JobServer(channel, endpoint)
        for job in server.running(name):
            logging.warning("Cancelling job %s, which an earlier run left on %s.", job, endpoint)
            server.cancel(job)
        over = threading.Event()
        watch = threading.Thread(target=_watch, args=(server, name, time_limit, over), name="beam-jobs", daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()
            with contextlib.suppress(EngineError):  # The block's own error says what happened.
                for job in server.running(name):
                    server.cancel(job)


class _JobServer:
    def __init__(self, channel: grpc.Channel, endpoint: str) -> None:
        self._stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        self._endpoint = endpoint

    def running(self, name: str) -> list[str]:
        """The ids of the jobs of this name that have not ended."""
        with self._explained():
            jobs = self._stub.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=_CALL_SECONDS).job_info
        return [
            job.job_id
            for job in jobs
            # Beam's Python SDK calls every job "job" here (PortableRunner); the name is among the options.
            if job.pipeline_options[_JOB_NAME] == name and beam_job_api_pb2.JobState.Enum.Name(job.state) not in _ENDED
        ]

    def cancel(self, job: str) -> None:
        with self._explained():
            self._stub.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job), timeout=_CALL_SECONDS)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except grpc.RpcError as error:
            raise EngineError(
                f"Beam's job server at {self._endpoint} does not answer: expected the API of its jobs, received "
                f"{error.code().name}; start the cluster again (make flink-down flink-up)"
            ) from error


def _watch(server: _JobServer, name: str, time_limit: float, over: threading.Event) -> None:
    since: dict[str, float] = {}
    while not over.wait(_POLL_SECONDS):
        try:
            running = server.running(name)
            since = {job: since.get(job, time.monotonic()) for job in running}
            for job in running:
                if time.monotonic() - since[job] > time_limit:
                    logging.error("Cancelling job %s: it took longer than its time limit of %.0f s.", job, time_limit)
                    server.cancel(job)
        except EngineError as error:  # The node that waits for the job fails by itself.
            logging.warning("%s", error)
