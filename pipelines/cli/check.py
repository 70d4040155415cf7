"""`check`: a task's code on a few rows."""

from pathlib import Path

from pipelines.cli.task import require_task

EPILOGUE = """Examples:
  python -m pipelines check                   the taxi task
  python -m pipelines check --task churn --data customers.csv

Exit status: 0 all is in order; 1 something is not; 2 bad usage.
"""


def check(*, task: str = "taxi", data: Path | None = None, var: Path = Path("var")) -> int:
    """Check a task's features and model on 100 rows, before a whole run.

    preprocessing_fn comes first, and without a row: every raw column that it
    reads is in the contract, no text is used as a number, the types are those
    that Transform writes, and no feature needs what a request will not have.
    `run` begins with the same. Then preprocessing_fn is applied to a sample,
    the model is trained for two steps and exported, and every signature is
    asked. Nothing is pushed or recorded.

    Args:
        task: A folder below pipelines/tasks/, or a dotted package.
        data: A CSV file, or a folder of them; without it, the task's own data.
        var: The log is check.log there; the task's own data are prepared there.
    """
    require_task(task)
    from rich.console import Console  # Imported here: --help need not wait for it.

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
