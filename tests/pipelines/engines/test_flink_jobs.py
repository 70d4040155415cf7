"""Jobs of a JobManager, whose REST API a stand-in has here; `make test-engine` asks a real one."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipelines.engines.errors import EngineError
from pipelines.engines.flink_jobs import FlinkJobs

STATES = ("INITIALIZING", "CREATED", "RUNNING", "RESTARTING", "FAILING", "CANCELLING", "CANCELED", "FINISHED", "FAILED")


class JobManager(ThreadingHTTPServer):
    """Has a job of ours in each state, and one of somebody else."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.jobs = [{"jid": state.lower(), "name": "ours", "state": state} for state in STATES]
        self.jobs.append({"jid": "theirs", "name": "theirs", "state": "RUNNING"})
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.server_port}"


class _Api(BaseHTTPRequestHandler):
    server: JobManager

    def do_GET(self) -> None:
        self._answer(200, {"jobs": self.server.jobs} if self.path == "/jobs/overview" else {})

    def do_PATCH(self) -> None:
        self.server.asked.append(self.path)
        known = any(self.path == f"/jobs/{job['jid']}?mode=cancel" for job in self.server.jobs)
        self._answer(202 if known else 404, {})

    def _answer(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def manager() -> Iterator[JobManager]:
    """A JobManager's REST API."""
    with JobManager() as manager:
        threading.Thread(target=manager.serve_forever, daemon=True).start()
        yield manager
        manager.shutdown()


def test_jobs_of_the_name_that_go_on_are_found(manager: JobManager) -> None:
    assert FlinkJobs(manager.address).running("ours") == [
        "initializing", "created", "running", "restarting", "failing"
    ]  # fmt: skip


def test_a_job_is_cancelled_by_its_id(manager: JobManager) -> None:
    FlinkJobs(manager.address).cancel("restarting")
    assert manager.asked == ["/jobs/restarting?mode=cancel"]


def test_a_refusal_is_told(manager: JobManager) -> None:
    with pytest.raises(
        EngineError, match=r"expected the API of its jobs at /jobs/gone\?mode=cancel, received HTTP 404"
    ):
        FlinkJobs(manager.address).cancel("gone")


def test_a_manager_that_is_not_there_is_named() -> None:
    with pytest.raises(EngineError, match=r"Flink's JobManager at 127.0.0.1:9 does not answer: .* Connection refused"):
        FlinkJobs("127.0.0.1:9").running("ours")
