"""Errors in one line or two, for people: what the terminal and summary.json say; the traceback goes to the log."""

import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PROJECT = ("components", "pipelines", "data", "tests")
# Every traceback passes through them.
_RUNNER = (
    {f"pipelines/runner/{name}.py" for name in ("command", "launch", "local_run", "node_process", "node_run")}
    | {f"pipelines/orchestration/{name}.py" for name in ("command", "finish", "single_node")}
    | {
        f"pipelines/task_check/{name}.py"
        for name in ("command", "dry_run", "model_trial", "preprocessing", "traced_graph")
    }
)


def explain(error: BaseException) -> str:
    """Describes an error: one of this project by its message, one of a library by type, message and project line."""
    text = str(error).strip()
    return text if is_of_this_project(error) else f"{type(error).__name__}: {_ends(text)}{_place(error)}"


def is_of_this_project(error: BaseException) -> bool:
    """Tells whether the type of an error is one of ours: its message says what to do, and no place is needed."""
    return type(error).__module__.partition(".")[0] in _PROJECT


def explain_in_one_line(error: BaseException) -> str:
    """Describes an error in one line, for tables and records."""
    return _ends(explain(error))


def _ends(text: str) -> str:
    """Joins the first line and the last: libraries put the cause there."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return lines[0] + (f" … {lines[-1]}" if len(lines) > 1 else "")


def _place(error: BaseException) -> str:
    """Names the innermost line of this project, as ` (pipelines/tasks/taxi/preprocessing.py, line 40)`, or nothing."""
    return find_place(traceback.extract_tb(error.__traceback__))


def find_place(frames: traceback.StackSummary) -> str:
    """Name the innermost line of this project, as ` (data/taxi.py, line 4)`, or nothing; the innermost comes last."""
    for frame in reversed(frames):
        path = Path(frame.filename)
        if path.is_relative_to(_ROOT):
            inside = path.relative_to(_ROOT).as_posix()
            if inside.partition("/")[0] in _PROJECT and inside not in _RUNNER:
                return f" ({inside}, line {frame.lineno})"
    return ""
