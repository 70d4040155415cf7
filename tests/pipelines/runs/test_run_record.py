"""Records of older formats are read as if they were of the newest one."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.report.verdict import describe_verdict
from pipelines.runner import summary as runner_summary
from pipelines.runs import Run, Runs, run_record
from pipelines.runs.difference import compare_runs
from tests.pipelines.runs.made_runs import summary, write

OLD = Path(__file__).with_name("summary_format_1.json")  # as the runner of that time wrote it
RUN = "20261121-092301"
NEW = "20261122-092301"
# Not in the first records of format 1.
ADDED_LATER = ("room", "review", "latency", "report")


@pytest.fixture
def var(tmp_path: Path) -> Path:
    write(tmp_path, summary(NEW))
    (tmp_path / "runs" / RUN).mkdir()
    shutil.copyfile(OLD, tmp_path / "runs" / RUN / "summary.json")
    return tmp_path


@pytest.fixture
def old() -> Mapping[str, Any]:
    record: Mapping[str, Any] = json.loads(OLD.read_text())
    return record


def test_what_format_2_renamed(var: Path, old: Mapping[str, Any]) -> None:
    record = Runs(var).open(RUN).summary
    assert record["format"] == 2
    assert record["task_files"] == old["room"] == {"model.py": "a" * 64, "schema.pbtxt": "b" * 64}
    assert [node["summary"] for node in record["nodes"]] == [
        "train 10,009 rows, eval 4,993 rows",
        "RuntimeError: it broke",
    ]
    assert record["review"] == {
        "required": True,
        "state": "stale",
        "reason": "model.py changed, layers.py was added since the review of run 20261120-101010",
        "reviewer": "Ada",
        "date": "2026-11-20T12:00:00+00:00",
        "run_id": "20261120-101010",
        "note": "Thin slices.",
    }


def test_everything_else_stays_as_it_is(var: Path, old: Mapping[str, Any]) -> None:
    record = Runs(var).open(RUN).summary
    renamed = {"format", "room", "review", "nodes"}
    assert {name: record[name] for name in old.keys() - renamed} == {name: old[name] for name in old.keys() - renamed}
    for before, after in zip(old["nodes"], record["nodes"], strict=True):
        assert {**after, "words": after["summary"]} == {**before, "summary": before["words"], "started": ""}


def test_an_old_record_has_the_fields_of_a_new_one(var: Path, old: Mapping[str, Any]) -> None:
    new = Runs(var).open(NEW).summary
    assert Runs(var).open(RUN).summary.keys() == new.keys()
    _leave_out(var, old, ADDED_LATER)
    first = Runs(var).open(RUN).summary
    assert first.keys() == new.keys()
    assert (first["task_files"], first["review"], first["latency"]) == ({}, None, {})
    assert first["report"] == {"path": None, "error": "the run is older than reports are"}


def test_a_record_of_this_format_has_the_fields_that_were_added_later(var: Path) -> None:
    path = var / "runs" / NEW / "summary.json"
    new = json.loads(path.read_text())
    nodes = [{name: value for name, value in node.items() if name != "started"} for node in new["nodes"]]
    path.write_text(
        json.dumps({name: value for name, value in new.items() if name != "vocabularies"} | {"nodes": nodes})
    )
    new["nodes"] = [node | {"started": ""} for node in nodes]
    assert Runs(var).open(NEW).summary == new


def test_those_who_read_runs_read_an_old_one(var: Path, old: Mapping[str, Any]) -> None:
    run = Runs(var).open(RUN)
    assert run.nodes()["summary"].tolist() == ["train 10,009 rows, eval 4,993 rows", "RuntimeError: it broke"]
    assert describe_verdict(run)["gates"][-1]["reasons"] == [
        "model.py changed, layers.py was added since the review of run 20261120-101010",
        "Thin slices.",
    ]
    assert compare_runs(run, Runs(var).open(NEW)).files is None  # the new one recorded none
    assert compare_runs(run, run).empty
    _leave_out(var, old, ADDED_LATER)
    first: Run = Runs(var).open(RUN)
    assert [gate["name"] for gate in describe_verdict(first)["gates"]] == ["Evaluator"]
    assert compare_runs(first, run).files is None


def _leave_out(var: Path, record: Mapping[str, Any], names: tuple[str, ...]) -> None:
    kept = {name: value for name, value in record.items() if name not in names}
    (var / "runs" / RUN / "summary.json").write_text(json.dumps(kept))


def test_the_runner_writes_the_format_that_is_read() -> None:
    assert runner_summary.FORMAT == run_record.FORMAT
