"""What a run was begun as."""

import dataclasses
from pathlib import Path

import pytest

from pipelines.options import RunOptions
from pipelines.orchestration.begun import BegunRun, RunMismatchError, check_nodes, pin_options, read_begun
from pipelines.orchestration.options import as_arguments
from pipelines.spans.selection import SpanSelection

BEGUN = BegunRun(
    started="2026-01-31T23:59:59+00:00",
    arguments=("--train-steps", "5"),
    spans="2014Q1..2014Q4",
    nodes={"ExampleGen": "a1", "Trainer": "b2"},
    pushed_before=(1700000000,),
    data="spans last:4",
    source_digest="c3",
    task_files={"model.py": "d4"},
    unread_files=("notes.txt",),
)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_begun(tmp_path) is None
    BEGUN.write(tmp_path)
    assert read_begun(tmp_path) == BEGUN


def test_the_record_of_another_version_of_the_project(tmp_path: Path) -> None:
    BEGUN.write(tmp_path)
    file = tmp_path / "begun.json"
    file.write_text(file.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(RunMismatchError, match="expected format 1, received 2; begin a new run"):
        read_begun(tmp_path)


def test_edited_code_and_other_nodes_are_told_by_name() -> None:
    check_nodes("20260131-235959", BEGUN, {"ExampleGen": "a1", "Trainer": "b2"})
    with pytest.raises(
        RunMismatchError, match=r"run 20260131-235959 was begun .* received another Trainer, Tuner; begin"
    ):
        check_nodes("20260131-235959", BEGUN, {"ExampleGen": "a1", "Trainer": "edited", "Tuner": "new"})


def test_spans_that_arrive_later_are_not_of_the_run() -> None:
    options = RunOptions(spans="last:1", train_steps=5)
    begun = dataclasses.replace(BEGUN, arguments=as_arguments(options), spans="2014Q2..2014Q2")
    pinned = pin_options(options, begun)
    assert pinned == dataclasses.replace(options, spans="2014Q2..2014Q2")
    assert pinned.spans is not None
    assert SpanSelection.parse(pinned.spans).choose(["2014Q1", "2014Q2", "2014Q3"]) == ["2014Q2"]
    assert pin_options(options, None) == options


def test_other_options_are_another_run() -> None:
    begun = dataclasses.replace(BEGUN, arguments=("--train-steps", "5"))
    with pytest.raises(RunMismatchError, match="expected --train-steps 5, received no options; begin a new run"):
        pin_options(RunOptions(), begun)
