"""The DAGs, in Airflow's own environment: what they are, and what becomes of a task by its exit status."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from environment.airflow.__main__ import install, parse_options
from environment.airflow.server import AirflowServer
from pipelines.orchestration.airflow import dags
from tests.pipelines.orchestration import airflow_structure

pytestmark = [pytest.mark.slow, pytest.mark.one_stack]

GRAPH = {
    "format": 1,
    "task": "trips",
    "package": "own.trips",
    "var": "/var of ours",
    "arguments": ["node", "--var", "/var of ours", "--task", "own.trips"],
    "engine": "local",
    "parallel": False,
    "pushes_to": "/var of ours/serving/trips",
}


def node(name: str, upstream: list[str], downstream: list[str], gib: float = 1.0) -> dict[str, Any]:
    return {
        "id": name,
        "what": "does something",
        "upstream": upstream,
        "downstream": downstream,
        "pushes": name == "Pusher",
        "gate": False,
        "memory_bytes": int(gib * 2**30),
        "cores": 1,
        "timeout_minutes": 60.0,
        "retries": 2,
    }


NODES = [
    node("Trainer", [], ["Evaluator"], 2.5),
    node("Evaluator", ["Trainer"], ["Pusher"]),
    node("Pusher", ["Evaluator"], []),
    node("SchemaGen", [], []),  # a proposal that nothing waits for
]
SIGNED = ["--train-steps", "5", "--sign", "/keys/kms.pem", "--sign-command", "kms sign"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("airflow")
    graphs = folder / "graphs"
    graphs.mkdir()
    (graphs / "trips.json").write_text(json.dumps(GRAPH | {"nodes": NODES}))
    wide = {"nodes": NODES, "task": "wide", "parallel": True, "arguments": [*GRAPH["arguments"], *SIGNED]}
    (graphs / "wide.json").write_text(json.dumps(GRAPH | wide))
    told = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")} | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PIPELINES_GRAPHS": str(graphs),
        "PIPELINES_PROJECT": str(airflow_structure.PROJECT),
        "PIPELINES_PYTHON": "unused",
        "PIPELINES_SCHEDULE": "spans",
        "PIPELINES_SPANS": "/drop",
        "PIPELINES_LOOK": "*/5 * * * *",
    }
    command = [str(install() / "python"), airflow_structure.__file__, str(folder)]
    done = subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "found.json").read_text())


def test_a_task_for_each_node_in_their_order(found: dict[str, Any]) -> None:
    tasks = found["dags"]["trips"]["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "Trainer": [],
        "Evaluator": ["Trainer"],
        "Pusher": ["Evaluator"],
        "SchemaGen": [],
        "finish": ["Evaluator", "Pusher", "SchemaGen", "Trainer"],
        "announce": ["finish"],
    }
    run_id = tasks["Trainer"]["arguments"][-3]
    assert tasks["Trainer"]["arguments"] == [*GRAPH["arguments"], "--run-id", run_id, "--node", "Trainer"]
    assert tasks["finish"]["arguments"] == [*GRAPH["arguments"], "--run-id", run_id, "--finish"]
    assert tasks["finish"]["retries"] == 2  # It may be killed, or find the folder busy.
    assert (tasks["Trainer"]["retries"], tasks["Trainer"]["minutes"], tasks["Trainer"]["slots"]) == (2, 60.0, 3)
    assert {name: task["outlets"] for name, task in tasks.items() if task["outlets"]} == {"announce": ["trips-model"]}
    assert [name for name, task in tasks.items() if task["rule"].endswith("all_done")] == ["finish"]


def test_two_dags_that_are_due_at_once_have_runs_of_their_own(found: dict[str, Any]) -> None:
    ids = {name: found["dags"][name]["tasks"]["Trainer"]["arguments"][-3] for name in ("trips", "wide")}
    assert ids["trips"] != ids["wide"]


def test_two_files_of_one_task_are_refused(found: dict[str, Any]) -> None:
    assert found["twice"] == "ValueError"  # Otherwise the DAGs of one of them would not be there.


def test_one_node_at_a_time_where_ml_metadata_has_one_writer(found: dict[str, Any]) -> None:
    assert found["dags"]["trips"]["active"] == [1, 1]
    assert found["dags"]["wide"]["active"] == [1, 16]


def test_spans_that_were_accepted_begin_a_run(found: dict[str, Any]) -> None:
    assert "trips-spans" in found["dags"]["trips"]["schedule"]
    ingest = found["dags"]["trips_ingest"]
    assert "*/5 * * * *" in ingest["schedule"]
    assert ingest["tasks"]["ingest"]["arguments"] == [
        "ingest",
        "--task",
        "own.trips",
        "--var",
        "/var of ours",
        "--from",
        "/drop",
    ]
    assert ingest["tasks"]["accepted"]["outlets"] == ["trips-spans"]
    assert ingest["tasks"]["none_refused"]["upstream"] == ["ingest"]
    assert "--once" in found["dags"]["trips_continuous"]["tasks"]["pass"]["arguments"]


def test_only_what_is_new_is_announced_to_other_dags(found: dict[str, Any]) -> None:
    skipped = "AirflowSkipException"
    assert found["announced"] == {
        "accepted": "success",
        "unchanged": skipped,
        "of another task": skipped,
        "of an earlier run": skipped,
        "pushed": "success",
        "in place": skipped,
        "tie": skipped,
    }


def test_a_command_that_hangs_does_not_outlive_its_task(found: dict[str, Any]) -> None:
    assert found["hung"] == -9


def test_the_loop_decides_where_it_is_asked_to(found: dict[str, Any]) -> None:
    scheduled = {name for name, schedule in found["looping"].items() if schedule != "None"}
    assert scheduled == {"trips_continuous", "wide_continuous"}
    assert "*/5 * * * *" in found["looping"]["trips_continuous"]


def test_the_loop_signs_what_it_pushes_as_a_run_does(found: dict[str, Any]) -> None:
    arguments = {name: found["dags"][f"{name}_continuous"]["tasks"]["pass"]["arguments"] for name in ("trips", "wide")}
    assert arguments["trips"][-2:] == ["--from", "/drop"]
    assert arguments["wide"] == [*arguments["trips"], *SIGNED[2:]]


def test_what_a_gate_refused_is_not_tried_again_and_what_was_killed_is(found: dict[str, Any]) -> None:
    retried = "AirflowException"
    assert found["outcomes"] == {
        "0": "success",
        "1": "AirflowFailException",
        "2": "AirflowFailException",
        "3": retried,
        "4": retried,
        "130": retried,
        "kill": retried,
    }


def test_another_airflow_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production/airflow")
    server = AirflowServer(commands=tmp_path, folder=tmp_path, project=tmp_path, port=1, settings={"A": "b"})
    assert "postgresql" not in " ".join(server.environment.values())
    assert (server.environment["A"], server.environment["AIRFLOW_HOME"]) == ("b", str(tmp_path))


@pytest.mark.parametrize(
    ("options", "lacks"),
    [
        (["--schedule", "spans"], "--spans"),
        (["--look", "0 * * * *"], "--spans"),
        (["--schedule", "continuous", "--spans", "drop"], "--look"),
    ],
)
def test_a_schedule_that_nothing_would_ever_begin(
    options: list[str], lacks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--graphs", "g", *options])
    assert f"error: {lacks} (" in capsys.readouterr().err
    assert parse_options(["--graphs", "g", "--schedule", "0 3 * * *"]).spans is None


def test_the_dag_imports_nothing_of_this_project(found: dict[str, Any]) -> None:
    assert found["ours"] == []
    assert Path(dags.__file__).with_name("pipelines_dag.py").is_file()
