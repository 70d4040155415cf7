"""A real Airflow runs a pipeline; a node's process is killed on the way: `make test-orchestrators`."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from environment.airflow.__main__ import PROJECT, install
from environment.airflow.server import AirflowServer
from pipelines.cli.app import execute
from pipelines.runs import Runs
from tests.runs.project import DIABETES

pytestmark = [pytest.mark.orchestrator, pytest.mark.pipeline, pytest.mark.one_stack]

_SECONDS = 400.0


def test_a_killed_node_is_tried_again_and_one_version_is_pushed(tmp_path: Path) -> None:
    var, graphs = tmp_path / "var", tmp_path / "graphs"
    options = ["--task", DIABETES, "--train-steps", "30", "--var", str(var)]
    assert execute(["node", "--graph", str(graphs / "diabetes.json"), *options]) == 0
    server = AirflowServer(
        commands=install(),
        folder=tmp_path / "airflow",
        project=PROJECT,
        port=_free_port(),
        settings={
            "PIPELINES_GRAPHS": str(graphs),
            "PIPELINES_PROJECT": str(PROJECT),
            "PIPELINES_PYTHON": str(PROJECT / ".venv" / "bin" / "python"),
        },
    )
    with server.started():
        _until(lambda: "diabetes" in _dags(server), "the DAG is read")
        run = _until(lambda: _trigger(server), "a run begins")
        _until(lambda: _kill(var, "Trainer"), "Trainer's process is there")
        end = _until(lambda: _end(server, run), "the run ends")
        tries = {task["task_id"]: task["try_number"] for task in _tasks(server, run)}
        states = {task["task_id"]: task["state"] for task in _tasks(server, run)}
        assert end == "success", states
        assert {name for name, number in tries.items() if number > 1} == {"Trainer"}
        events = server.ask("assets/events")["asset_events"]
        assert isinstance(events, list)
        assert len(events) == 1  # the new model
    assert len(list((var / "serving" / "diabetes").iterdir())) == 1
    found = Runs(var).open()
    assert found.status == "pushed"
    assert set(found.nodes()["state"]) == {"ran"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(look: Any, what: str) -> Any:
    deadline = time.monotonic() + _SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)
    return found


def _dags(server: AirflowServer) -> list[str]:
    found: Any = server.ask("dags")["dags"]
    return [dag["dag_id"] for dag in found]


def _trigger(server: AirflowServer) -> str:
    with contextlib.suppress(OSError):  # The DAG is stored in steps.
        return str(server.ask("dags/diabetes/dagRuns", {"logical_date": None})["dag_run_id"])
    return ""


def _tasks(server: AirflowServer, run: str) -> Any:
    return server.ask(f"dags/diabetes/dagRuns/{run.replace('+', '%2B')}/taskInstances")["task_instances"]


def _end(server: AirflowServer, run: str) -> str:
    time.sleep(1.0)
    state = str(server.ask(f"dags/diabetes/dagRuns/{run.replace('+', '%2B')}")["state"])
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
