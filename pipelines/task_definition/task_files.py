"""A task's files: those that say what is trained, each with its digest.

A review is of these files, and a run's summary.json says which ones it was trained from.
"""

import hashlib
import importlib.util
from pathlib import Path

from pipelines.task_definition.lookup import RETRAINING_FILE, TaskError
from pipelines.task_definition.task import Task

REVIEW_FILE = "review.toml"  # left out: it says what was reviewed, and a review must not change what it is of
_KINDS = (".md", ".py", ".toml")


def task_directory(task: Task) -> Path:
    """Find the folder of the task's package: where the one definition of its features lies.

    Raises:
        TaskError: preprocessing_fn does not come from a file.
    """
    module = task.preprocessing_fn.__module__
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.has_location:
        raise TaskError(
            f"task {task.name}: expected a preprocessing_fn from a module that is a file, received one from {module}; "
            "move it into the task's package"
        )
    return Path(spec.origin).parent


def task_file_digests(task: Task) -> dict[str, str]:
    """Hash each of the task's files: SHA-256 in hex, by name.

    The files are every .md, .py and .toml file of the task's package, and its contract, wherever that lies.

    Returns:
        By path relative to the package, sorted; the contract by its file's name.
    """
    package = task_directory(task)
    left_out = {package / name for name in (REVIEW_FILE, RETRAINING_FILE)}  # The latter says when, not what.
    files = {
        path.relative_to(package).as_posix(): path
        for path in package.rglob("*")
        if path.suffix in _KINDS and path.is_file() and path not in left_out
    }
    files[task.contract.name] = task.contract
    return {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in sorted(files)}
