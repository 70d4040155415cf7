"""Runs in MLflow: the records, and a real tracking server that gets them once."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from environment import uv
from pipelines.cli.app import execute
from pipelines.overview.mlflow_export import ExportError, export_records
from pipelines.overview.mlflow_records import KEY, make_name, make_record
from pipelines.runs import Runs
from tests.pipelines.runs.made_leaderboard import FIRST, KILLED, REFUSED, TRIED, WHY, edit, write_runs

REQUIREMENTS = Path(__file__).with_name("mlflow_server.txt")
_SERVER = f"mlflow-skinny=={REQUIREMENTS.read_text().partition('mlflow-skinny==')[2].split()[0]}"
_PATIENCE = 180  # seconds; a loaded machine imports MLflow in a minute


@pytest.fixture
def var(tmp_path: Path) -> Path:
    write_runs(tmp_path)
    (tmp_path / "runs" / TRIED / "report.html").write_text("<p>report</p>")
    return tmp_path


def test_a_record_has_what_the_run_has(var: Path) -> None:
    record = make_record(Runs(var).open(TRIED))
    assert (record.experiment, record.name, record.status) == ("taxi", TRIED, "FINISHED")
    assert record.end - record.start == 61_250
    assert record.parameters == {"train_steps": "300", "warm_start": "False"}
    assert record.metrics == {
        "auc": 0.96,
        "example_count": 4993.0,
        "auc/pay: Cash": 0.7,
        "auc.low": 0.95,
        "auc.high": 0.97,
        "auc.change": 0.01,
    }
    wanted = {"pipeline.experiment": "night", "mlflow.note.content": WHY, "tag.hours": "true", "tag.x": "true"}
    assert wanted.items() <= record.tags.items()
    assert [path.name for path in record.artifacts] == ["report.html", "summary.json"]


def test_the_key_is_of_the_run_and_of_nothing_said_later(var: Path) -> None:
    keys = [make_record(Runs(var).open(name)).key for name in (FIRST, REFUSED, TRIED)]
    assert len(set(keys)) == 3
    (var / "runs" / TRIED / "notes.jsonl").unlink()
    assert make_record(Runs(var).open(TRIED)).key == keys[2]


def test_how_a_run_ended(var: Path) -> None:
    edit(var, FIRST, status="failed")
    edit(var, REFUSED, status="interrupted")
    assert [make_record(Runs(var).open(name)).status for name in (FIRST, REFUSED)] == ["FAILED", "KILLED"]


@pytest.mark.parametrize(
    ("name", "made"),
    [("auc", "auc"), ("auc/pay = Cash", "auc/pay: Cash"), ("auc/place = Café #1", r"auc/place: Caf_ _1.\w{6}")],
)
def test_names_that_mlflow_takes(name: str, made: str) -> None:
    assert re.fullmatch(made, make_name(name))


def test_names_stay_different() -> None:
    assert make_name("a#") != make_name("a$")


@pytest.mark.slow
def test_an_absent_server_is_told_in_one_line(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert execute(["runs", "export", FIRST, "--mlflow", uri, "--var", str(var)]) == 1
    assert capsys.readouterr().err.startswith(f"error: MLflow at {uri}: ")


def test_without_the_client(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        ExportError, match=r"^MLflow's client cannot be loaded: .*; install the dependency group mlflow"
    ):
        export_records("http://127.0.0.1:1", [])


@pytest.mark.slow
@pytest.mark.one_stack
def test_a_real_server_has_each_run_once(var: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from mlflow import MlflowClient

    with tracking_server(tmp_path / "mlflow") as uri:
        export = ["runs", "export", "--mlflow", uri, "--var", str(var), "--task", "taxi"]
        assert execute(export) == 0
        assert capsys.readouterr().out == f"exported 3 runs to {uri}, 0 were there\n"
        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name("taxi")
        found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert set(found) == {FIRST, REFUSED, TRIED}
        tried = found[TRIED]
        assert tried.data.metrics["auc/pay: Cash"] == 0.7
        assert tried.data.params == {"train_steps": "300", "warm_start": "False"}
        assert {one.path for one in client.list_artifacts(tried.info.run_id)} == {"report.html", "summary.json"}
        assert (tried.info.status, tried.info.end_time - tried.info.start_time) == ("FINISHED", 61_250)

        # One export was cut off, and somebody said something since.
        client.update_run(found[FIRST].info.run_id, status="RUNNING")
        with (var / "runs" / TRIED / "notes.jsonl").open("a") as notes:
            notes.write('{"time": "t", "note": "better than it looks"}\n')
        assert execute(export) == 0
        assert capsys.readouterr().out == f"exported 1 runs to {uri}, 2 were there\n"
        again = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
        assert {name: run.info.run_id for name, run in again.items()} == {
            name: run.info.run_id for name, run in found.items()
        }
        assert again[FIRST].info.status == "FINISHED"
        assert again[TRIED].data.tags["mlflow.note.content"] == "better than it looks"
        assert again[TRIED].data.tags[KEY] == make_record(Runs(var).open(TRIED)).key


def test_a_run_that_goes_on_is_not_exported(var: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["runs", "export", KILLED, "--mlflow", "http://127.0.0.1:1", "--var", str(var)]) == 1
    assert "expected a run that has ended, to export it, received none" in capsys.readouterr().err


@contextlib.contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """MLflow's own server with an SQLite store, out of an environment of its own that uv makes; yields its address."""
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tool = [str(uv.find() or uv.fetch()), "tool", "run", "--python", sys.executable]
    tool += ["--from", _SERVER, "--with-requirements", str(REQUIREMENTS), "mlflow", "server"]
    stores = [
        "--backend-store-uri",
        f"sqlite:///{folder}/runs.sqlite",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    # gunicorn serves tracking alone; the server that comes without it loads what large language models need, too.
    listen = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--gunicorn-opts", "--no-control-socket"]
    # Without the processes for jobs, of which an export has none.
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*tool, *stores, *listen],
            env={**os.environ, **quiet},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(uri):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield uri
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(_PATIENCE)


def _answers(uri: str) -> bool:
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
