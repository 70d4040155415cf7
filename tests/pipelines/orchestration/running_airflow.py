"""An Airflow that tests start, and what they ask it over its API."""

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from environment.airflow.__main__ import PROJECT, install
from environment.airflow.server import AirflowServer
from pipelines.cli.app import execute

_SECONDS = 400.0  # that a test waits for one thing at most


def server_of(folder: Path, task: str, *options: str, settings: Mapping[str, str] | None = None) -> AirflowServer:
    """Return an Airflow, not started, that has the DAGs of one task."""
    graph = folder / "graphs" / f"{task.rpartition('.')[2]}.json"
    words = ["--task", task, "--var", str(folder / "var"), *options]
    assert execute(["node", "--graph", str(graph), *words]) == 0
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], Any], what: str) -> Any:
    """What `look` finds, as soon as it does; Airflow stores a DAG in steps, and answers late where it is busy."""
    deadline = time.monotonic() + _SECONDS
    while True:
        with contextlib.suppress(OSError):
            if found := look():
                return found
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.05)


def dags(server: AirflowServer) -> list[str]:
    found: Any = server.ask("dags")["dags"]
    return [dag["dag_id"] for dag in found]


def trigger(server: AirflowServer, dag: str) -> str:
    return str(server.ask(f"dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"])


def runs(server: AirflowServer, dag: str) -> Any:
    return server.ask(f"dags/{dag}/dagRuns")["dag_runs"]


def tasks(server: AirflowServer, dag: str, run: str) -> Any:
    return server.ask(f"dags/{dag}/dagRuns/{run.replace('+', '%2B')}/taskInstances")["task_instances"]


def end(server: AirflowServer, dag: str, run: str) -> str:
    time.sleep(1.0)
    state = str(server.ask(f"dags/{dag}/dagRuns/{run.replace('+', '%2B')}")["state"])
    return state if state in ("success", "failed") else ""
