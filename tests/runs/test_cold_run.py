"""A cold run, and runs after which nothing has changed."""

import json
import re
from pathlib import Path

import pytest
import tensorflow as tf

from tests.runs.conftest import History
from tests.runs.project import NODES, Project

pytestmark = pytest.mark.pipeline

# Everything that the terminal says, line by line.
TERMINAL = r"""
tests\.tasks\.diabetes  run \d{8}-\d{6}
ExampleGen                 ran +\d+\.\d s  train 290 rows, eval 152 rows
ImportSchemaGen            ran +\d+\.\d s  the contract: 11 columns
StatisticsGen              ran +\d+\.\d s  statistics of each split
AcceptedStatisticsResolver ran +\d+\.\d s  none accepted yet
ExampleValidator           ran +\d+\.\d s  0 anomalies
SchemaGen                  ran +\d+\.\d s  a proposal: 0 differences from the contract
AnomalyGate                ran +\d+\.\d s  data accepted
Transform                  ran +\d+\.\d s  11 features, the label among them
Trainer                    ran +\d+\.\d s  \d+ epochs, lowest validation loss \d+
BlessedModelResolver       ran +\d+\.\d s  no model pushed yet
SkewGate                   ran +\d+\.\d s  blessed: 0 differences in 152 rows
Evaluator                  ran +\d+\.\d s  blessed: mean_squared_error \d+
Pusher                     ran +\d+\.\d s  version \d{10}

AnomalyGate  passed       the data meets the contract
Evaluator    passed       mean_squared_error on overall is \d+\.\d{4}: at most 5500
                          mean_squared_error on sex = a is \d+\.\d{4}: at most 5500
                          mean_squared_error on sex = b is \d+\.\d{4}: at most 5500
SkewGate     passed       0 differences over 152 rows, 11 features and batch sizes 1, 7, 64, 512
                          0 differences over 152 rows by TRANSPORTS; 128 of them also one by one
review       missing      no review is recorded
metrics      example_count=152  mean_squared_error=\d+
one row      REST rows TIMES  REST columns TIMES  gRPC examples TIMES  gRPC columns TIMES
pushed       var/serving/diabetes/\d{10} in \d+ s
record       var/runs/\d{8}-\d{6}/summary\.json
report       var/runs/\d{8}-\d{6}/report\.html
log          var/runs/\d{8}-\d{6}/run\.log
next         edit the model or the features and run again: only what depends on the edit will run
"""
TERMINAL = TERMINAL.replace("TRANSPORTS", "REST rows, REST columns, gRPC examples, gRPC columns").replace(
    "TIMES", r"\d+\.\d ms \(p95 \d+\.\d\)"
)


def test_every_node_runs_and_every_gate_passes(history: History) -> None:
    assert list(history.cold.states) == list(NODES)
    assert set(history.cold.states.values()) == {"ran"}
    assert {gate["gate"]: gate["passed"] for gate in history.cold.summary["gates"]} == {
        "AnomalyGate": True,
        "Evaluator": True,
        "SkewGate": True,
    }


def test_the_terminal_says_what_happened_and_nothing_else(history: History) -> None:
    for said, expected in zip(history.cold.terminal.splitlines(), TERMINAL.strip("\n").splitlines(), strict=True):
        assert re.fullmatch(expected, said)
    assert history.cold.stderr == ""


def test_skew_gate_compared_every_eval_row_and_found_no_difference(history: History) -> None:
    report = json.loads((_output(history, "SkewGate", "blessing") / "report.json").read_text())
    assert (report["rows"], report["differences"]) == (152, 0)
    assert history.cold.summary["latency"] == report["latency"]
    assert {transport: measured["calls"] for transport, measured in report["latency"].items()} == dict.fromkeys(
        ("REST rows", "REST columns", "gRPC examples", "gRPC columns"), 128
    )
    assert history.cold.summary["rows"] == {"train": 290, "eval": 152}


def test_one_version_with_three_signatures_is_pushed(history: History, project: Project) -> None:
    version = history.cold.summary["pushed"]["version"]
    assert project.versions() == [version]
    model = tf.saved_model.load(str(project.var / "serving" / "diabetes" / version))
    assert set(model.signatures) == {"serving_default", "serving_raw", "transform_features"}


def test_the_pushed_version_brings_the_warmup_requests_that_were_replayed(history: History, project: Project) -> None:
    version = project.var / "serving" / "diabetes" / history.cold.summary["pushed"]["version"]
    pushed = version / "assets.extra" / "tf_serving_warmup_requests"
    replayed = _output(history, "SkewGate", "blessing") / pushed.name
    assert pushed.read_bytes() == replayed.read_bytes()
    assert {path.name for path in replayed.parent.iterdir()} == {"INFRA_BLESSED", "report.json", pushed.name}


def test_nothing_is_written_outside_var(history: History, project: Project) -> None:
    assert history.code_after == history.code_before
    assert list(history.scratch.iterdir()) == []
    assert {path.name for path in project.var.iterdir()} == {
        ".lock", "artifacts", "cache", "contracts", "data", "metadata.sqlite", "runs", "serving"
    }  # fmt: skip


def test_latest_is_the_newest_run(history: History, project: Project) -> None:
    latest = project.var / "runs" / "latest"
    assert latest.is_symlink()
    assert json.loads((latest / "summary.json").read_text()) == history.second.summary


def test_a_second_run_computes_nothing(history: History, project: Project) -> None:
    assert history.second.ran == set()
    assert history.second.summary["status"] == "unchanged"
    assert history.second.summary["pushed"] == history.cold.summary["pushed"] | {"new": False}
    assert "already holds this model" in history.second.terminal
    assert project.versions() == [history.cold.summary["pushed"]["version"]]


def _output(history: History, node: str, key: str) -> Path:
    (found,) = (entry for entry in history.cold.summary["nodes"] if entry["id"] == node)
    return Path(found["outputs"][key]["uri"])
