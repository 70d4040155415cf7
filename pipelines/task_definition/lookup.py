"""From a task's name to its module, without importing it: a misspelt name is answered before TFX is loaded."""

import importlib.util
from pathlib import Path

from serving.did_you_mean import closest

RETRAINING_FILE = "retraining.toml"  # beside a task's module: when it is trained anew


class TaskError(ValueError):
    """A task is unknown or incomplete."""


def task_module(name: str) -> str:
    """Find a task's module: `taxi` is `pipelines.tasks.taxi.task`; a dotted name is a package with a module `task`.

    Raises:
        TaskError: There is no such module.
    """
    module = f"{name}.task" if "." in name else f"pipelines.tasks.{name}.task"
    try:
        found = importlib.util.find_spec(module) if all(part.isidentifier() for part in name.split(".")) else None
    except ModuleNotFoundError as error:
        # An import that fails inside an existing package is that package's error, not an unknown name.
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        found = None
    if found is None:
        raise TaskError(f"unknown task {name!r}: {_known_tasks(name)}")
    return module


def _known_tasks(name: str) -> str:
    known = sorted(path.parent.name for path in (Path(__file__).parents[1] / "tasks").glob("*/task.py"))
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else f"expected one of {', '.join(known)}, or a dotted package name"
