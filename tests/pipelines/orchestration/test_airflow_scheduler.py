"""A real Airflow: a node is killed, a span arrives, the loop is due: `make test-orchestrators`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from environment.airflow.__main__ import PROJECT, install
from environment.airflow.server import AirflowServer
from pipelines.cli.app import execute
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.options import ContinuousOptions
from pipelines.runs import Runs
from tests.runs.project import DIABETES
from tests.tasks.diabetes import data

pytestmark = [pytest.mark.orchestrator, pytest.mark.pipeline, pytest.mark.one_stack]

_SECONDS = 400.0


def test_a_killed_node_is_tried_again_and_one_version_is_pushed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    server = _server(tmp_path, "--train-steps", "30")
    with server.started():
        _until(lambda: "diabetes" in _dags(server), "the DAG is read")
        run = _until(lambda: _trigger(server, "diabetes"), "a run begins")
        _until(lambda: _kill(var, "Trainer"), "Trainer's process is there")
        end = _until(lambda: _end(server, "diabetes", run), "the run ends")
        tries = {task["task_id"]: task["try_number"] for task in _tasks(server, "diabetes", run)}
        states = {task["task_id"]: task["state"] for task in _tasks(server, "diabetes", run)}
        assert end == "success", states
        assert {name for name, number in tries.items() if number > 1} == {"Trainer"}
        events = server.ask("assets/events")["asset_events"]
        assert isinstance(events, list)
        assert len(events) == 1  # the new model
    assert len(list((var / "serving" / "diabetes").iterdir())) == 1
    found = Runs(var).open()
    assert found.status == "pushed"
    assert set(found.nodes()["state"]) == {"ran"}


def test_a_span_that_arrives_begins_a_run(tmp_path: Path) -> None:
    """The ingestion announces it as an asset, whose event alone starts the DAG of the run."""
    var, arrived = tmp_path / "var", tmp_path / "arrived"
    parts = _write_parts(tmp_path)
    _arrive(parts[0], arrived)
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "ingest",
        "--task",
        DIABETES,
        "--var",
        str(var),
        "--from",
        str(arrived),
    ]
    subprocess.run(command, cwd=PROJECT, check=True)
    settings = {"PIPELINES_SCHEDULE": "spans", "PIPELINES_SPANS": str(arrived)}
    server = _server(tmp_path, "--train-steps", "30", "--spans", "all", settings=settings)
    with server.started():
        _until(lambda: {"diabetes", "diabetes_ingest"} <= set(_dags(server)), "the DAGs are read")
        idle = _until(lambda: _trigger(server, "diabetes_ingest"), "the ingestion of nothing new begins")
        assert _until(lambda: _end(server, "diabetes_ingest", idle), "it ends") == "success"
        assert _runs(server, "diabetes") == []  # Nothing arrived.
        _arrive(parts[1], arrived)
        ingestion = _until(lambda: _trigger(server, "diabetes_ingest"), "the ingestion of the second span begins")
        assert _until(lambda: _end(server, "diabetes_ingest", ingestion), "the ingestion ends") == "success"
        (run,) = _until(lambda: _runs(server, "diabetes"), "the asset's event starts a run")
        assert run["run_type"] == "asset_triggered"
        end = _until(lambda: _end(server, "diabetes", run["dag_run_id"]), "the run ends")
        assert end == "success", _tasks(server, "diabetes", run["dag_run_id"])
    found = Runs(var).open()
    assert found.status == "pushed"
    assert json.loads((var / "runs" / found.id / "begun.json").read_text())["spans"] == "1..2"


def test_the_loop_takes_its_pass_by_the_calendar(tmp_path: Path) -> None:
    var, arrived = tmp_path / "var", tmp_path / "arrived"
    for part in _write_parts(tmp_path):
        _arrive(part, arrived)
    settings = {"PIPELINES_SCHEDULE": "continuous", "PIPELINES_SPANS": str(arrived), "PIPELINES_LOOK": "* * * * *"}
    server = _server(tmp_path, settings=settings)
    with server.started():
        _until(lambda: "diabetes_continuous" in _dags(server), "the DAG is read")
        run = _until(lambda: _runs(server, "diabetes_continuous"), "the scheduler begins a pass")[0]
        assert run["run_type"] == "scheduled"
        end = _until(lambda: _end(server, "diabetes_continuous", run["dag_run_id"]), "the pass ends")
        assert end == "success", _tasks(server, "diabetes_continuous", run["dag_run_id"])
        assert _runs(server, "diabetes") == []  # The loop trains by itself.
    first, *_ = DecisionLog(ContinuousOptions(task=DIABETES, var=var).folder).decisions()
    assert (first.act, first.spans) == (True, {"1": 1, "2": 1})
    assert len(list((var / "serving" / "diabetes").iterdir())) == 1


def _server(folder: Path, *options: str, settings: Mapping[str, str] | None = None) -> AirflowServer:
    """An Airflow that has the DAGs of the diabetes task; not started."""
    graph = folder / "graphs" / "diabetes.json"
    told = ["--task", DIABETES, "--var", str(folder / "var"), *options]
    assert execute(["node", "--graph", str(graph), *told]) == 0
    return AirflowServer(
        commands=install(),
        folder=folder / "airflow",
        project=PROJECT,
        port=_free_port(),
        settings={
            "PIPELINES_GRAPHS": str(graph.parent),
            "PIPELINES_PROJECT": str(PROJECT),
            "PIPELINES_PYTHON": str(PROJECT / ".venv" / "bin" / "python"),
            **(settings or {}),
        },
    )


def _write_parts(folder: Path) -> list[Path]:
    """Writes the task's rows as two spans."""
    head, *rows = (data.prepare(folder / "all") / "patients.csv").read_text().splitlines(keepends=True)
    parts = [folder / "all" / f"part-{number}.csv" for number in (1, 2)]
    for number, part in enumerate(parts):
        part.write_text(head + "".join(rows[number::2]))
    return parts


def _arrive(part: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    part.rename(folder / part.name)  # A file arrives whole.


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds, as soon as it does; Airflow stores a DAG in steps, and answers late where it is busy."""
    deadline = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def _dags(server: AirflowServer) -> list[str]:
    found: Any = server.ask("dags")["dags"]
    return [dag["dag_id"] for dag in found]


def _trigger(server: AirflowServer, dag: str) -> str:
    return str(server.ask(f"dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"])


def _runs(server: AirflowServer, dag: str) -> Any:
    return server.ask(f"dags/{dag}/dagRuns")["dag_runs"]


def _tasks(server: AirflowServer, dag: str, run: str) -> Any:
    return server.ask(f"dags/{dag}/dagRuns/{run.replace('+', '%2B')}/taskInstances")["task_instances"]


def _end(server: AirflowServer, dag: str, run: str) -> str:
    time.sleep(1.0)
    state = str(server.ask(f"dags/{dag}/dagRuns/{run.replace('+', '%2B')}")["state"])
    return state if state in ("success", "failed") else ""


def _kill(var: Path, node: str) -> bool:
    """Kills the process of a node as soon as its executor has begun to write."""
    begun = (var / "artifacts" / "diabetes" / node).glob("*/*")
    if not any(True for _ in begun):
        return False
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if str(var) in line and line[-2:] == ["--node", node]:
                os.kill(process.pid, signal.SIGKILL)
                return True
    return False
