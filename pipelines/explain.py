"""Describe an error in a line or two, for the terminal and summary.json; the log has the traceback."""

import traceback
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PROJECT = ("components", "pipelines", "data", "tests")
# Files of the runner, which are in every traceback and so tell nothing about the error.
_RUNNER = (
    {f"pipelines/runner/{name}.py" for name in ("command", "launch", "local_run", "node_process", "node_run")}
    | {f"pipelines/orchestration/{name}.py" for name in ("command", "finish", "single_node")}
    | {
        f"pipelines/task_check/{name}.py"
        for name in ("command", "dry_run", "model_trial", "preprocessing", "traced_graph")
    }
)


def explain(error: BaseException) -> str:
    """Describe an error: one of this project by its message; another by type, message and the project's line."""
    text = str(error).strip()
    return text if is_of_this_project(error) else f"{type(error).__name__}: {_ends(text)}{_place(error)}"


def is_of_this_project(error: BaseException) -> bool:
    """Tell whether the error's type is defined in this project; its message then says what to do."""
    return type(error).__module__.partition(".")[0] in _PROJECT


def explain_in_one_line(error: BaseException) -> str:
    """Describe an error in one line, for tables and records."""
    return _ends(explain(error))


def _ends(text: str) -> str:
    """Return the first and the last line: libraries put the cause there."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return lines[0] + (f" … {lines[-1]}" if len(lines) > 1 else "")


def _place(error: BaseException) -> str:
    """Return where in this project an error was raised; see find_place."""
    return find_place(traceback.extract_tb(error.__traceback__))


def find_place(frames: traceback.StackSummary) -> str:
    """Return this project's innermost line of a traceback, as ` (data/taxi.py, line 4)`; empty if it has none."""
    for frame in reversed(frames):
        path = Path(frame.filename)
        if path.is_relative_to(_ROOT):
            inside = path.relative_to(_ROOT).as_posix()
            if inside.partition("/")[0] in _PROJECT and inside not in _RUNNER:
                return f" ({inside}, line {frame.lineno})"
    return ""
