"""What the subcommands refuse before anything runs."""

from pipelines.task_definition.lookup import TaskError, task_module


class UsageError(Exception):
    """The command line cannot be used."""


def require_task(name: str) -> None:
    """Checks that there is such a task, without importing it.

    Raises:
        UsageError: There is none.
    """
    try:
        task_module(name)
    except TaskError as error:
        raise UsageError(f"--task: {error}") from error
