"""Check that a task exists, before anything runs."""

from pipelines.task_definition.lookup import TaskError, task_module
from serving.cli.usage import UsageError


def require_task(name: str) -> None:
    """Check that a task exists, without importing it.

    Args:
        name: the task's name, or a dotted package.

    Raises:
        UsageError: There is no such task.
    """
    try:
        task_module(name)
    except TaskError as error:
        raise UsageError(f"--task: {error}") from error
