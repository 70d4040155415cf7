"""`run`: which options it becomes, and what it refuses before TFX is loaded."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.config import TrainerOptions, TunerConfig
from pipelines.options import RunOptions
from pipelines.runner import command, docker_engine
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """The runs that were asked for; none takes place."""
    runs: list[RunOptions] = []
    monkeypatch.setattr(command, "run", lambda options: runs.append(options) or 0)
    return runs


def test_no_docker_engine_is_bad_usage(
    socket_path: Path, asked: list[RunOptions], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["run", "--infra", "docker"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"no Docker engine: expected one that answers at unix://{socket_path}, received " in said
    assert "start Docker, or leave out --infra docker (INFRA=docker)" in said
    assert asked == []


def test_an_engine_that_answers(socket_path: Path, asked: list[RunOptions]) -> None:
    with engine(socket_path):
        require_docker()
        assert execute(["run", "--infra", "docker"]) == 0
    with pytest.raises(DockerError):
        require_docker()
    assert [options.infra for options in asked] == ["docker"]


def test_other_runs_need_no_docker_engine(socket_path: Path, asked: list[RunOptions]) -> None:
    assert execute(["run"]) == 0
    assert asked == [RunOptions()]
    assert not socket_path.exists()


def test_every_option_arrives(tmp_path: Path, asked: list[RunOptions], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = (
        "--task tests.tasks.diabetes --data rows --var v --train-steps 7 --tune --trials 3 --minutes 0.5 --warm-start"
    )
    more = "--mixed-precision --distribute none --infra embedded --push-to production --force --verbose"
    assert execute(["run", *words.split(), *more.split()]) == 0
    assert asked == [
        RunOptions(
            task="tests.tasks.diabetes",
            data=tmp_path / "rows",
            var=tmp_path / "v",
            train_steps=7,
            tune=True,
            budget=TunerConfig(trials=3, minutes=0.5),
            trainer=TrainerOptions(distribute="none", mixed_precision=True, warm_start=True),
            push_to=tmp_path / "production",
            force=True,
            verbose=True,
        )
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--task taxy", "run: error: --task: unknown task 'taxy': did you mean 'taxi'?"),
        ("--trails 3", "run: error: Unknown option: --trails. Did you mean --trials?"),
        ("--infra dock", 'Invalid value "dock" for --infra. Choose from: "embedded", "docker". Did you mean "docker"?'),
        ("--train-steps 1.5", "--train-steps: expected a whole number, received '1.5'"),
        ("--train-steps 0", "run: error: train steps: expected 1 or more, received 0"),
        ("--tune --trials 0", "run: error: trials: expected 1 or more, received 0"),
        ("--tune --minutes soon", "--minutes: expected a number, received 'soon'"),
        ("--trials 3", "run: error: --trials, --minutes: expected --tune with them, received none"),
        ("--tune --require-review", "--require-review: expected the committed hyperparameters, received --tune, "),
        ("rows.csv", "run: error: expected options only, received 'rows.csv'"),
    ],
)
def test_bad_usage(words: str, message: str, asked: list[RunOptions], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", *words.split()]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.endswith(" run --help.\n")
    assert asked == []
