"""A task with a few files, a run of it, and its review."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.review.review_file import Review
from pipelines.runs import Run, Runs
from pipelines.task_definition.task import Task, load_task
from pipelines.task_definition.task_files import task_file_digests
from tests.pipelines.review.small_task import NAME, small_task

RUN = "20261121-120000"
GATES = ("AnomalyGate", "Evaluator", "SkewGate")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    yield from small_task(tmp_path, monkeypatch)


@pytest.fixture
def task(package: Path) -> Task:
    return load_task(NAME)


@pytest.fixture
def review(task: Task) -> Review:
    """Of the files as they are."""
    return Review(
        reviewer="Ada",
        date="2026-11-21T12:34:56+00:00",
        run=RUN,
        note="Even over both slices.",
        metrics={"auc": 0.958, "example_count": 4993.0},
        task_files=task_file_digests(task),
    ).with_checksum()


@pytest.fixture
def new_run(task: Task, tmp_path: Path) -> Callable[..., Run]:
    """Leaves a record as a run does, with what is given changed in it."""

    def new_run(**changed: Any) -> Run:
        directory = tmp_path / "var" / "runs" / RUN
        directory.mkdir(parents=True)
        record = {
            "format": 2,
            "run_id": RUN,
            "task": task.name,
            "status": "pushed",
            "started": "2026-11-21T12:00:00+00:00",
            "review": None,
            "nodes": [{"id": "Trainer"}, {"id": "Pusher"}],
            "gates": [{"gate": gate, "passed": True, "reasons": []} for gate in GATES],
            "metrics": {"overall": {"auc": 0.958, "calibration": None, "example_count": 4993.0}},
            "task_files": task_file_digests(task),
        }
        (directory / "summary.json").write_text(json.dumps(record | changed))
        return Runs(tmp_path / "var").open(RUN)

    return new_run
