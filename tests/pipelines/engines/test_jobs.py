"""Jobs of a run on a job server, which is Beam's own, in this process: the same API that Flink's has."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from pipelines.engines import jobs
from pipelines.engines.beam_jobs import BeamJobs
from pipelines.engines.errors import EngineError

OURS = "tfx-taxi-1"


class JobServer:
    """A job server, with jobs that wait for a file."""

    def __init__(self, folder: Path) -> None:
        self.servicer = LocalJobServicer(staging_dir=str(folder / "staging"))
        self.endpoint = f"127.0.0.1:{self.servicer.start_grpc_server()}"
        self.gate = folder / "gate"
        self._threads: list[threading.Thread] = []

    def submit(self, name: str) -> None:
        """Submits a job, and returns when it runs."""
        before = len(self.states(name))
        thread = threading.Thread(target=self._run, args=(name,), daemon=True)
        thread.start()
        self._threads.append(thread)
        until(lambda: len(self.states(name)) > before and self.states(name)[-1] == "RUNNING")

    def states(self, name: str) -> list[str]:
        """The states of the jobs of this name."""
        jobs = self.servicer.GetJobs(beam_job_api_pb2.GetJobsRequest()).job_info
        named = [job for job in jobs if job.pipeline_options["beam:option:job_name:v1"] == name]
        return [beam_job_api_pb2.JobState.Enum.Name(job.state) for job in named]

    def _run(self, name: str) -> None:
        options = PipelineOptions(
            ["--runner=PortableRunner", f"--job_endpoint={self.endpoint}", f"--job_name={name}",
             "--environment_type=LOOPBACK", "--sdk_location=container"]
        )  # fmt: skip
        gate = str(self.gate)
        pipeline = beam.Pipeline(options=options)
        _ = pipeline | beam.Create([0]) | beam.Map(lambda _: wait_for(gate))
        pipeline.run()

    def end(self) -> None:
        """Lets every job go."""
        self.gate.touch()
        for thread in self._threads:
            thread.join(30)
        self.servicer.stop()


def wait_for(path: str) -> None:
    """Waits until a file is there."""
    until(Path(path).exists)


def until(condition: object, seconds: float = 30.0) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)


@contextlib.contextmanager
def look_after(server: JobServer, time_limit: float) -> Iterator[None]:
    """As a run does."""
    with BeamJobs.at(server.endpoint) as service, jobs.look_after([service], OURS, time_limit):
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[JobServer]:
    """A job server; its jobs end with the test."""
    server = JobServer(tmp_path)
    yield server
    server.end()


def test_what_an_earlier_run_left_is_cancelled_and_nothing_else(server: JobServer) -> None:
    server.submit(OURS)
    server.submit("another-task")
    with look_after(server, 60):
        assert server.states(OURS) == ["CANCELLED"]
        assert server.states("another-task") == ["RUNNING"]


def test_no_job_outlives_its_run(server: JobServer) -> None:
    def run_and_break() -> None:
        with look_after(server, 60):
            server.submit(OURS)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_and_break()
    assert server.states(OURS) == ["CANCELLED"]


def test_a_job_over_its_time_limit_is_cancelled(server: JobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.1)
    with look_after(server, 0.3):
        server.submit(OURS)
        until(lambda: server.states(OURS) == ["CANCELLED"])


def test_a_job_within_its_time_limit_goes_on(server: JobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.1)
    with look_after(server, 60):
        server.submit(OURS)
        time.sleep(0.5)
        assert server.states(OURS) == ["RUNNING"]


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError) as raised, BeamJobs.at("127.0.0.1:9") as service:
        service.running(OURS)
    assert str(raised.value) == (
        "Beam's job server at 127.0.0.1:9 does not answer: expected the API of its jobs, received UNAVAILABLE; start "
        "the cluster again (make flink-down flink-up)"
    )


class Gone:
    """A cluster that does not answer any more, after its first answer."""

    def __init__(self) -> None:
        self.asked = 0

    def running(self, name: str) -> list[str]:
        """Answers once."""
        self.asked += 1
        if self.asked > 1:
            raise EngineError("the cluster is gone")
        return []

    def cancel(self, job: str) -> None:
        """Nothing runs there."""
        raise AssertionError(job)


def test_a_cluster_that_is_gone_ends_what_waits_for_it_and_is_named(
    server: JobServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "_SILENT_SECONDS", 0.3)

    def run() -> None:
        with BeamJobs.at(server.endpoint) as service, jobs.look_after([service, Gone()], OURS, 60):
            server.submit(OURS)
            until(lambda: server.states(OURS) == ["CANCELLED"])

    with pytest.raises(EngineError, match="the cluster is gone"):
        run()


def test_a_cluster_that_is_silent_for_a_moment_ends_nothing(server: JobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_POLL_SECONDS", 0.1)
    with BeamJobs.at(server.endpoint) as service, jobs.look_after([service, Gone()], OURS, 60):
        server.submit(OURS)
        time.sleep(0.5)
        assert server.states(OURS) == ["RUNNING"]
