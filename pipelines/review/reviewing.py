"""Makes the record of a review: compares the run that was looked at with the code as it is now."""

import dataclasses
import datetime
import subprocess
from pathlib import Path
from typing import Any

from pipelines.nodes import TUNER
from pipelines.review.review_file import Review, ReviewError, append_review, locate_review_file
from pipelines.review.state import describe_file_changes
from pipelines.runs import Run, Runs
from pipelines.task_definition.task import Task, load_task
from pipelines.task_definition.task_files import task_file_digests


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordedReview:
    """A review that is recorded."""

    task: str  # its name
    review: Review
    file: Path  # that it went into


def record_review(task_name: str, var: Path, run_id: str, reviewer: str | None, note: str) -> RecordedReview:
    """Write a review into the task's folder.

    Args:
        task_name: whose code was reviewed, as load_task takes it.
        var: the folder that the runs wrote to.
        run_id: the run that was looked at; latest is the task's newest.
        reviewer: who did it; None: git's user.name.
        note: what they think of it.

    Raises:
        ReviewError: See make_review and git_user.
        RunError: There is no such run.
        TaskError: The task cannot be loaded.
        OSError: The file cannot be written.
    """
    task = load_task(task_name)
    review = make_review(task, Runs(var).open(run_id, task.name), reviewer or read_git_user(), note)
    file = locate_review_file(task)
    append_review(file, review)
    return RecordedReview(task=task.name, review=review, file=file)


def make_review(task: Task, run: Run, reviewer: str, note: str) -> Review:
    """Make the record of a review, now.

    Args:
        task: whose code was reviewed.
        run: the run that was looked at.
        reviewer: who did it.
        note: what they think of it.

    Raises:
        ReviewError: A gate refused the run's model or it did not get that far, its hyperparameters are not those of
            the task's file, or the task's files have changed since.
    """
    summary = run.summary
    _require_blessed(summary)
    if any(node["id"] == TUNER for node in summary["nodes"]):
        raise ReviewError(
            f"run {run.id} searched for its hyperparameters: expected a run that was trained with those of the task's "
            "folder; commit what the search proposes, run again, and review that run"
        )
    if not summary["task_files"]:
        raise ReviewError(
            f"run {run.id} does not say which code it was trained from: expected `task_files` in its summary.json, "
            "received none; run again, and review that run"
        )
    task_files = task_file_digests(task)
    if changes := describe_file_changes(summary["task_files"], task_files):
        raise ReviewError(
            f"{changes} since run {run.id}: expected the code that it was trained from; run again (or name another run "
            "with --run, RUN_ID=), and review that"
        )
    return Review(
        reviewer=reviewer,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        run=run.id,
        note=note,
        metrics={name: value for name, value in summary["metrics"]["overall"].items() if value is not None},
        task_files=task_files,
    ).with_checksum()


def read_git_user() -> str:
    """Ask git for the name that it signs commits with.

    Raises:
        ReviewError: There is none.
    """
    try:
        found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        found = ""
    if not found.strip():
        raise ReviewError("git knows no user.name: expected the reviewer's name; say it with --reviewer (REVIEWER=)")
    return found.strip()


def _require_blessed(summary: dict[str, Any]) -> None:
    passed = {gate["gate"]: gate["passed"] for gate in summary["gates"]}
    if not passed or not all(passed.values()):
        said = ", ".join(gate for gate, verdict in passed.items() if not verdict) or "every gate"
        raise ReviewError(
            f"the model of run {summary['run_id']} was not blessed: expected every gate to pass, received no yes from "
            f"{said}; review a run that passed"
        )
