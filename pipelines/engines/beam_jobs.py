"""Find and cancel the jobs of Beam's job server, over its gRPC API."""

import contextlib
from collections.abc import Iterator
from typing import Self

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.engines.errors import EngineError

_CALL_SECONDS = 30.0
_JOB_NAME = "beam:option:job_name:v1"
_ENDED = frozenset({"STOPPED", "DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED"})


class BeamJobs:
    """The jobs of a job server.

    A cancelled job is no longer submitted to the cluster. A job that runs there continues: a cancellation only ends the
    job server's waiting for the cluster, as a killed driver showed. FlinkJobs cancels it there.
    """

    def __init__(self, channel: grpc.Channel, endpoint: str) -> None:
        self._stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        self._endpoint = endpoint

    @classmethod
    @contextlib.contextmanager
    def at(cls, endpoint: str) -> Iterator[Self]:
        """Connect to a job server at host:port."""
        with grpc.insecure_channel(endpoint) as channel:
            yield cls(channel, endpoint)

    def running(self, name: str) -> list[str]:
        """Return the ids of the jobs of this name that have not ended.

        Raises:
            EngineError: The job server does not answer.
        """
        with self._explained():
            jobs = self._stub.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=_CALL_SECONDS).job_info
        return [
            job.job_id
            for job in jobs
            # Beam's Python SDK names every job "job" here (PortableRunner); its own name is among the options.
            if job.pipeline_options[_JOB_NAME] == name and beam_job_api_pb2.JobState.Enum.Name(job.state) not in _ENDED
        ]

    def cancel(self, job: str) -> None:
        """Cancel a job, by its id.

        Args:
            job: the id.

        Raises:
            EngineError: The job server does not answer.
        """
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
