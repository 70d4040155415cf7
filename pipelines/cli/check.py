"""`check`: try a task's code on a few rows."""

from pathlib import Path

from pipelines.cli.task import require_task

EPILOGUE = """Examples:
  python -m pipelines check                   the taxi task
  python -m pipelines check --task churn --data customers.csv

Exit status: 0 every check passed; 1 a check failed; 2 bad usage.
"""


def check(*, task: str = "taxi", data: Path | None = None, var: Path = Path("var")) -> int:
    """Check a task's features and model on 1,000 rows, before a whole run.

    First checks preprocessing_fn without any row: the contract has every raw
    column that it reads, it uses no text as a number, its types are those that
    Transform writes, and no feature needs a column that requests lack. `run`
    begins with the same check. Then builds the model, applies preprocessing_fn
    to 1,000 rows, trains for two steps on 100 rows, exports, and calls
    every signature.
    Pushes and records nothing.

    Args:
        task: A folder below pipelines/tasks/, or a dotted package.
        data: A CSV file, or a folder of them; without it, the task's own data.
        var: Folder for the log, check.log, and for the task's own data.

    Returns:
        The exit status.
    """
    require_task(task)
    from rich.console import Console  # import late: --help does not need it

    from pipelines.runner.run_log import redirect_output
    from serving.process_control import gc_paused_imports

    var = var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    log = var / "check.log"
    log.unlink(missing_ok=True)
    console = Console(file=redirect_output(log), highlight=False)
    with gc_paused_imports():
        from pipelines.task_check import command
    status = command.run(task, data and data.absolute(), var, console)
    if status:
        console.print(f"log            {log}", markup=False, soft_wrap=True)
    return status
