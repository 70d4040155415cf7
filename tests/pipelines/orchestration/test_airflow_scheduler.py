"""A real Airflow: a node is killed, a span arrives, the loop is due: `make test-orchestrators`."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from environment.airflow.__main__ import PROJECT
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.options import ContinuousOptions
from pipelines.runs import Runs
from tests.pipelines.orchestration import running_airflow as airflow
from tests.runs.project import DIABETES
from tests.tasks.diabetes import data

pytestmark = [pytest.mark.orchestrator, pytest.mark.pipeline, pytest.mark.one_stack]


def test_a_killed_node_is_tried_again_and_one_version_is_pushed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    server = airflow.server_of(tmp_path, DIABETES, "--train-steps", "30")
    with server.started():
        airflow.until(lambda: "diabetes" in airflow.dags(server), "the DAG is read")
        run = airflow.until(lambda: airflow.trigger(server, "diabetes"), "a run begins")
        airflow.until(lambda: _kill(var, "Trainer"), "Trainer's process is there")
        end = airflow.until(lambda: airflow.end(server, "diabetes", run), "the run ends")
        tries = {task["task_id"]: task["try_number"] for task in airflow.tasks(server, "diabetes", run)}
        states = {task["task_id"]: task["state"] for task in airflow.tasks(server, "diabetes", run)}
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
    server = airflow.server_of(tmp_path, DIABETES, "--train-steps", "30", "--spans", "all", settings=settings)
    with server.started():
        airflow.until(lambda: {"diabetes", "diabetes_ingest"} <= set(airflow.dags(server)), "the DAGs are read")
        idle = airflow.until(lambda: airflow.trigger(server, "diabetes_ingest"), "the ingestion of nothing new begins")
        assert airflow.until(lambda: airflow.end(server, "diabetes_ingest", idle), "it ends") == "success"
        assert airflow.runs(server, "diabetes") == []  # Nothing arrived.
        _arrive(parts[1], arrived)
        ingestion = airflow.until(lambda: airflow.trigger(server, "diabetes_ingest"), "the second ingestion begins")
        assert airflow.until(lambda: airflow.end(server, "diabetes_ingest", ingestion), "it ends") == "success"
        (run,) = airflow.until(lambda: airflow.runs(server, "diabetes"), "the asset's event starts a run")
        assert run["run_type"] == "asset_triggered"
        end = airflow.until(lambda: airflow.end(server, "diabetes", run["dag_run_id"]), "the run ends")
        assert end == "success", airflow.tasks(server, "diabetes", run["dag_run_id"])
    found = Runs(var).open()
    assert found.status == "pushed"
    assert json.loads((var / "runs" / found.id / "begun.json").read_text())["spans"] == "1..2"


def test_the_loop_takes_its_pass_by_the_calendar(tmp_path: Path) -> None:
    var, arrived = tmp_path / "var", tmp_path / "arrived"
    for part in _write_parts(tmp_path):
        _arrive(part, arrived)
    settings = {"PIPELINES_SCHEDULE": "continuous", "PIPELINES_SPANS": str(arrived), "PIPELINES_LOOK": "* * * * *"}
    server = airflow.server_of(tmp_path, DIABETES, settings=settings)
    with server.started():
        airflow.until(lambda: "diabetes_continuous" in airflow.dags(server), "the DAG is read")
        run = airflow.until(lambda: airflow.runs(server, "diabetes_continuous"), "the scheduler begins a pass")[0]
        assert run["run_type"] == "scheduled"
        end = airflow.until(lambda: airflow.end(server, "diabetes_continuous", run["dag_run_id"]), "the pass ends")
        assert end == "success", airflow.tasks(server, "diabetes_continuous", run["dag_run_id"])
        assert airflow.runs(server, "diabetes") == []  # The loop trains by itself.
    first, *_ = DecisionLog(ContinuousOptions(task=DIABETES, var=var).folder).decisions()
    assert (first.act, first.spans) == (True, {"1": 1, "2": 1})
    assert len(list((var / "serving" / "diabetes").iterdir())) == 1


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
