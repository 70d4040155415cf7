"""Record a review, after comparing the reviewed run with the current code."""

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
    """A review and where it was recorded."""

    task: str  # its name
    review: Review
    file: Path  # the file that it was added to


def record_review(task_name: str, var: Path, run_id: str, reviewer: str | None, note: str) -> RecordedReview:
    """Add a review to the file in the task's folder.

    Args:
        task_name: the reviewed task, as load_task accepts it.
        var: the folder that the runs wrote to.
        run_id: the reviewed run; latest is the task's newest.
        reviewer: name of the reviewer; None: git's user.name.
        note: the reviewer's opinion.

    Returns:
        The review, and its file.

    Raises:
        ReviewError: See make_review and read_git_user.
        RunError: The run does not exist.
        TaskError: The task cannot be loaded.
        OSError: The file cannot be written.
    """
    task = load_task(task_name)
    review = make_review(task, Runs(var).open(run_id, task.name), reviewer or read_git_user(), note)
    file = locate_review_file(task)
    append_review(file, review)
    return RecordedReview(task=task.name, review=review, file=file)


def make_review(task: Task, run: Run, reviewer: str, note: str) -> Review:
    """Return the record of a review with the current time.

    Args:
        task: the reviewed task.
        run: the reviewed run.
        reviewer: name of the reviewer.
        note: the reviewer's opinion.

    Raises:
        ReviewError: A gate refused the run's model or did not run, its hyperparameters are not those of the task's
            file, or the task's files have changed since.
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
    """Return the name with which git signs commits.

    Raises:
        ReviewError: git has no user.name.
    """
    try:
        found = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        found = ""
    if not found.strip():
        raise ReviewError("git has no user.name: expected the reviewer's name; give it with --reviewer (REVIEWER=)")
    return found.strip()


def _require_blessed(summary: dict[str, Any]) -> None:
    passed = {gate["gate"]: gate["passed"] for gate in summary["gates"]}
    if not passed or not all(passed.values()):
        said = ", ".join(gate for gate, verdict in passed.items() if not verdict) or "any gate"
        raise ReviewError(
            f"the model of run {summary['run_id']} was not blessed: expected every gate to pass, received no pass by "
            f"{said}; review a run that passed"
        )
