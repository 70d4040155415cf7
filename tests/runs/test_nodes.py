"""A run of one node a process ends as `run` does, also where processes are killed, and refuses what `run` refuses."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from pipelines.orchestration import single_node
from tests.runs.conftest import History
from tests.runs.in_process import node_here
from tests.runs.killed import COPYING, RENAMED
from tests.runs.project import DIABETES, NODES, Finished, Project, environment
from tests.tasks.diabetes.task import TASK

pytestmark = [pytest.mark.pipeline, pytest.mark.one_stack]

RUN_ID = "20260131-235959"
DEATHS = {"Trainer": ["Trainer"], "Pusher": ["Pusher", COPYING, RENAMED]}
CHANGING = ("run_id", "started", "seconds", "latency", "report")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeByNode:
    """What each step came to."""

    project: Project
    early: Finished  # Transform, before its turn
    nodes: dict[str, Finished]
    deaths: dict[tuple[str, str], Finished]
    again: Finished  # Trainer, after it has ended well
    other: Finished  # with other options
    end: Finished
    cold: Finished  # the same by `run`


@pytest.fixture(scope="module")
def by_node(history: History, tmp_path_factory: pytest.TempPathFactory) -> NodeByNode:
    project = Project.copy(tmp_path_factory.mktemp("nodes") / "project")
    steps: dict[Any, tuple[list[str], str | None]] = {"early": (node("Transform"), None)}
    for name in NODES:
        steps |= {(name, moment): (node(name), moment) for moment in DEATHS.get(name, ())}
        steps[name] = (node(name), None)
    steps["again"] = (node("Trainer"), None)
    steps["other"] = ([*node("Pusher"), "--train-steps", "7"], None)
    steps["end"] = (["node", "--task", DIABETES, "--run-id", RUN_ID, "--finish"], None)
    ended = dict(zip(steps, take(project, list(steps.values()), tmp_path_factory.mktemp("steps")), strict=True))
    return NodeByNode(
        project=project,
        early=ended["early"],
        nodes={name: ended[name] for name in NODES},
        deaths={key: one for key, one in ended.items() if isinstance(key, tuple)},
        again=ended["again"],
        other=ended["other"],
        end=ended["end"],
        cold=history.cold,
    )


def node(name: str) -> list[str]:
    return ["node", "--task", DIABETES, "--run-id", RUN_ID, "--node", name]


def take(project: Project, steps: list[tuple[list[str], str | None]], folder: Path) -> list[Finished]:
    command = [sys.executable, "-m", "tests.runs.node_processes", str(folder)]
    done = subprocess.run(
        command,
        cwd=project.root,
        env=environment(),
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = [json.loads((folder / f"{number}.json").read_text()) for number in range(len(steps))]
    return [Finished(**one, stderr="", summary={}) for one in read]


def lasting(summary: dict[str, Any], var: Path) -> dict[str, Any]:
    """A summary without times, and without the numbers that ML Metadata and Pusher give."""
    text = json.dumps({name: value for name, value in summary.items() if name not in CHANGING}, sort_keys=True)
    text = text.replace(str(var), "VAR").replace(summary["pushed"]["version"], "VERSION")
    text = re.sub(r"(VAR/artifacts/\w+/\w+/\w+)/\d+", r"\1/ID", text)
    found = json.loads(text)
    found["nodes"] = [{k: v for k, v in one.items() if k not in ("started", "seconds")} for one in found["nodes"]]
    return found


def test_every_node_runs_and_says_what_run_says(by_node: NodeByNode) -> None:
    for name, ended in by_node.nodes.items():
        assert ended.status == 0, ended.told()
        (line,) = re.findall(rf"^{name} +ran +[\d.]+ s  (.*)$", ended.terminal, re.MULTILINE)
        (of_run,) = re.findall(rf"^{name} +ran +[\d.]+ s  (.*)$", by_node.cold.terminal, re.MULTILINE)
        assert line == of_run or name == "Pusher"


def test_the_record_is_that_of_run(by_node: NodeByNode) -> None:
    assert by_node.end.status == 0, by_node.end.told()
    var = by_node.project.var
    summary = json.loads((var / "runs" / RUN_ID / "summary.json").read_text())
    cold = lasting(by_node.cold.summary, Path(by_node.cold.summary["pushed"]["path"]).parents[2])
    assert lasting(summary, var) == cold
    assert summary["run_id"] == RUN_ID
    assert summary["seconds"] > sum(one["seconds"] for one in summary["nodes"])
    assert (var / "runs" / "latest").resolve().name == RUN_ID
    assert (var / "runs" / RUN_ID / "report.html").is_file()


def test_killed_processes_leave_nothing_and_one_version(by_node: NodeByNode) -> None:
    assert {one.status for one in by_node.deaths.values()} == {-9}
    assert len(by_node.project.versions()) == 1
    models = by_node.project.var / "artifacts" / "diabetes" / "Trainer" / "model"
    assert len(list(models.iterdir())) == 1
    assert not list((by_node.project.var / "tmp").glob("*"))


def test_a_node_that_ended_well_is_not_run_again(by_node: NodeByNode) -> None:
    assert by_node.again.status == 0
    trainer = r"^Trainer .*$"
    assert re.findall(trainer, by_node.again.terminal, re.M) == re.findall(
        trainer, by_node.nodes["Trainer"].terminal, re.M
    )


def test_a_node_waits_for_its_turn(by_node: NodeByNode) -> None:
    assert by_node.early.status == 2
    assert "Transform comes after AnomalyGate, ExampleGen, ImportSchemaGen: expected them to have ended" in (
        by_node.early.terminal
    )


def test_one_run_id_means_one_configuration(by_node: NodeByNode) -> None:
    assert by_node.other.status == 2
    assert (
        f"the run was begun with other options: expected --task {DIABETES}, received --task {DIABETES} "
        "--train-steps 7; begin a new run"
    ) in by_node.other.terminal


def test_a_gate_that_refuses_the_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `run`: the gate has run, Pusher holds the model back, and only the new threshold makes anything run."""
    strict = text_format.Parse(str(TASK.make_eval_config()).replace("5500", "10"), config_pb2.EvalConfig())
    before = project.versions()
    monkeypatch.setattr(
        single_node, "load_task", lambda name: dataclasses.replace(TASK, make_eval_config=lambda: strict)
    )
    ended = {name: node_here(project.var, "--run-id", RUN_ID, "--node", name) for name in NODES[:-1]}
    meanwhile = project.var / "serving" / "diabetes" / "9999999999"  # of another run
    meanwhile.mkdir()
    late = node_here(project.var, "--run-id", RUN_ID, "--node", "Pusher")
    assert late.status == 2
    assert "received 9999999999 as well, with which nothing was compared; begin a new run" in late.terminal
    meanwhile.rmdir()
    ended["Pusher"] = node_here(project.var, "--run-id", RUN_ID, "--node", "Pusher")
    assert {name: one.status for name, one in ended.items() if one.status} == {"Pusher": 1}
    assert "Evaluator    refused      mean_squared_error on overall is" in ended["Evaluator"].terminal
    assert "not pushed   Evaluator: mean_squared_error on overall is" in ended["Pusher"].terminal
    end = node_here(project.var, "--run-id", RUN_ID, "--finish")
    assert end.status == 1
    assert end.summary["status"] == "refused"
    assert end.ran == {"Evaluator", "Pusher"}
    assert project.versions() == before


def test_data_that_is_refused(project: Project, tmp_path: Path) -> None:
    """AnomalyGate ends the run, and says the same in the record as in `run`."""
    source = next((project.var / "data" / "diabetes").glob("*.csv"))
    header, *rows = source.read_text().splitlines()
    wrong = tmp_path / "rows.csv"
    wrong.write_text("\n".join([header, *(",".join(["9999", *row.split(",")[1:]]) for row in rows)]) + "\n")
    options = ("--run-id", RUN_ID, "--data", str(wrong))
    nodes = NODES[: NODES.index("AnomalyGate") + 1]
    ended = {name: node_here(project.var, *options, "--node", name) for name in nodes}
    assert {name: one.status for name, one in ended.items() if one.status} == {"AnomalyGate": 1}
    end = node_here(project.var, *options, "--finish")
    assert (end.status, end.summary["status"]) == (1, "failed")
    assert end.states["AnomalyGate"] == "failed"
    assert end.states["Transform"] == "skipped"
    (gate,) = (gate for gate in end.summary["gates"] if gate["gate"] == "AnomalyGate")
    assert gate["passed"] is False
    assert any(header.split(",")[0] in reason for reason in gate["reasons"])
