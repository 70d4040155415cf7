"""`review`: record that a person reviewed a task's code."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines.cli.task import require_task
from pipelines.task_definition.lookup import TaskError
from serving.cli.usage import UsageError
from serving.process_control import gc_paused_imports, hold_stderr

_DONE, _REFUSED = 0, 1

EPILOGUE = """Examples:
  python -m pipelines review --note "The slices by company are thin, but even."

Exit status: 0 recorded; 1 refused: there is no such run, a gate refused its
model, or the code has changed since; 2 bad usage.
"""


def review(
    *,
    task: str = "taxi",
    var: Path = Path("var"),
    run_id: Annotated[str, Parameter(name="--run")] = "latest",
    reviewer: str | None = None,
    note: str | None = None,
) -> int:
    """Record that a person reviewed a task's code as a run trained it.

    First look at the run (its report, its metrics per slice) and at the code
    in the task's folder. The review is valid for exactly the task's files that
    the run was trained from; any edit of them makes it stale. It is written to
    review.toml in the task's folder: commit it. See docs/how-to/review.md.

    Args:
        task: A folder below pipelines/tasks/, or a dotted package.
        var: The folder that the runs wrote to.
        run_id: The run: the name of a folder below runs/, or latest, the task's newest.
        reviewer: The reviewer, instead of git's user.name.
        note: What you looked at, and what you think of it.

    Returns:
        The exit status.

    Raises:
        UsageError: There is no note, or an option is empty or cannot be used.
    """
    note, reviewer = _text("--note", note), _text("--reviewer", reviewer)
    if note is None:
        raise UsageError("say what you looked at, and what you think of it, with --note TEXT (make review NOTE='...')")
    require_task(task)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # hides TensorFlow's notes about the machine
    # Import late: the task imports TensorFlow, which usage errors do not need.
    with warnings.catch_warnings(), hold_stderr():
        warnings.simplefilter("ignore", FutureWarning)  # of Google's libraries about each other
        with gc_paused_imports():
            from pipelines.evaluation.readable_numbers import format_readable
            from pipelines.review import reviewing
            from pipelines.review.review_file import ReviewError
            from pipelines.runs import RunError

        refusal = None
        try:
            recorded = reviewing.record_review(task, var, run_id, reviewer, note)
        except (OSError, ReviewError, RunError, TaskError) as error:
            refusal = str(error)
    if refusal is not None:
        print(f"not recorded: {refusal}", file=sys.stderr)
        return _REFUSED
    made = recorded.review
    metrics = "  ".join(f"{name}={format_readable(value)}" for name, value in made.metrics.items())
    print(f"reviewed  run {made.run} of {recorded.task}, by {made.reviewer}")
    print(f"metrics   {metrics}")
    print(f"files     {len(made.task_files)}, as that run trained them: {', '.join(made.task_files)}")
    print(f"recorded  {_shown(recorded.file)}; commit it")
    return _DONE


def _text(option: str, text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise UsageError(f"{option}: expected words, received none")
    return text and text.strip()


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
