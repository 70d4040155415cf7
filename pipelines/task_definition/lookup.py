"""Find a task's module by name without importing it, so that a misspelt name is reported before TFX is loaded."""

import importlib.util
from pathlib import Path

from serving.did_you_mean import closest

RETRAINING_FILE = "retraining.toml"  # next to a task's module: when to train again


class TaskError(ValueError):
    """A task is unknown or incomplete."""


def task_module(name: str) -> str:
    """Return the dotted name of a task's module.

    Args:
        name: `taxi` for `pipelines.tasks.taxi.task`, or the dotted name of another package with a module `task`.

    Returns:
        The module's name; it is not imported.

    Raises:
        TaskError: There is no such module.
        ModuleNotFoundError: A package above the module imports a module that does not exist.
    """
    module = f"{name}.task" if "." in name else f"pipelines.tasks.{name}.task"
    try:
        found = importlib.util.find_spec(module) if all(part.isidentifier() for part in name.split(".")) else None
    except ModuleNotFoundError as error:
        # If a parent package exists and an import in it fails, the task's name is not the mistake.
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
