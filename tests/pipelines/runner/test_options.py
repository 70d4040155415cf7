"""INFRA=docker where there is no Docker engine, and where there is one."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.runner import docker_engine, options
from pipelines.runner.docker_engine import DockerError, require_docker


@pytest.fixture
def socket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Docker's socket is looked for, in this test; nothing is there."""
    path = tmp_path / "docker.sock"
    monkeypatch.setattr(docker_engine, "SOCKET", f"unix://{path}")
    return path


class _Engine(http.server.BaseHTTPRequestHandler):
    """The two calls of Docker's API that tell whether an engine is there."""

    def do_GET(self) -> None:
        body = b'{"ApiVersion": "1.45"}' if self.path.endswith("/version") else b"OK"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a Unix socket"

    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def engine(path: Path) -> Iterator[None]:
    with socketserver.ThreadingUnixStreamServer(str(path), _Engine) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_no_docker_engine_is_bad_usage(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse("", ["--infra", "docker"])
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"no Docker engine: expected one that answers at unix://{socket_path}, received " in said
    assert "start Docker, or leave --infra docker (INFRA=docker) out" in said


def test_an_engine_that_answers(socket_path: Path) -> None:
    with engine(socket_path):
        require_docker()
        assert options.parse("", ["--infra", "docker"]).infra == "docker"
    with pytest.raises(DockerError):
        require_docker()


def test_where_to_push_and_what_that_demands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = options.parse("", [])
    assert (plain.push_to, plain.require_review) == (None, False)
    told = options.parse("", ["--push-to", "production", "--require-review"])
    assert (told.push_to, told.require_review) == (tmp_path / "production", True)


def test_a_search_finds_what_nobody_has_reviewed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse("", ["--tune", "--require-review"])
    assert ended.value.code == 2
    message = "--tune finds hyperparameters that nobody has reviewed: commit them, then --require-review"
    assert message in capsys.readouterr().err


def test_other_runs_need_no_docker_engine(socket_path: Path) -> None:
    assert options.parse("", []).infra == "embedded"
    assert not socket_path.exists()


def test_a_budget_without_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        options.parse(None, ["--trials", "3"])
    assert exit_status.value.code == 2
    assert "--trials and --minutes belong to a search: give --tune, too" in capsys.readouterr().err
    assert options.parse(None, ["--tune", "--trials", "3", "--minutes", "0.5"]).trials == 3
