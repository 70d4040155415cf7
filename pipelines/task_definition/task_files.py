"""Digest a task's files: those that decide what is trained.

A person reviews these files, and a run's summary.json records their digests.
"""

import hashlib
import importlib.util
from pathlib import Path

from pipelines.task_definition.lookup import RETRAINING_FILE, TaskError
from pipelines.task_definition.task import Task

REVIEW_FILE = "review.toml"  # left out: recording a review must not change the reviewed files
_KINDS = (".md", ".py", ".toml")


def task_directory(task: Task) -> Path:
    """Return the folder of the task's package, which has the module of its preprocessing_fn.

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
    """Digest each of the task's files.

    These are the .md, .py and .toml files of its package, except review.toml and retraining.toml, and its contract.

    Args:
        task: the task.

    Returns:
        SHA-256 in hex by path relative to the package, sorted; the contract by its file's name.
    """
    package = task_directory(task)
    left_out = {package / name for name in (REVIEW_FILE, RETRAINING_FILE)}  # They do not decide what is trained.
    files = {
        path.relative_to(package).as_posix(): path
        for path in package.rglob("*")
        if path.suffix in _KINDS and path.is_file() and path not in left_out
    }
    files[task.contract.name] = task.contract
    return {name: hashlib.sha256(files[name].read_bytes()).hexdigest() for name in sorted(files)}
