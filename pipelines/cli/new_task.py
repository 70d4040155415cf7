"""`new-task`: write a new task from a file of rows."""

import os
import sys
import warnings
from pathlib import Path

from pipelines.task_definition.problem import Problem
from serving.cli.usage import UsageError
from serving.process_control import gc_paused_imports, hold_stderr

ROOT = Path(__file__).resolve().parents[2]
_DONE, _REFUSED = 0, 1

EPILOGUE = """Examples:
  python -m pipelines new-task --name churn --csv customers.csv --label left
  python -m pipelines run --task churn

Exit status: 0 written; 1 the rows cannot be used, or the name is taken; 2 bad
usage.
"""


def new_task(
    *,
    name: str,
    csv: Path,
    label: str,
    problem: Problem | None = None,
    by_path: bool = False,
    text: list[str] | None = None,
) -> int:
    """Write a new task from a file of rows: features, model, contract, gates, tests. Overwrites nothing.

    Args:
        name: The task's name, such as churn.
        csv: The rows: a CSV file with a header, which may be compressed with gzip, or a Parquet file.
        label: The column to predict.
        problem: The kind of problem, instead of the one that the label's values suggest.
        by_path: Do not copy the rows into the project.
        text: A column that is text, whatever its cells look like; repeat it for several columns.

    Returns:
        The exit status.

    Raises:
        UsageError: The name or the label is empty.
    """
    for option, given in (("name", name), ("label", label)):
        if not given:
            raise UsageError(f"--{option}: expected a name, received nothing; with make: {option.upper()}=…")
    # TensorFlow and TFDV print warnings about each other while they load.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    with hold_stderr():
        status, message = _write(name, csv, label, problem=problem, by_path=by_path, text=text or [])
    print(message, file=sys.stderr if status else sys.stdout)
    return status


def _write(name: str, csv: Path, label: str, *, problem: str | None, by_path: bool, text: list[str]) -> tuple[int, str]:
    """Write the task, and return the exit status and the message to print."""
    with gc_paused_imports():
        from components.csv_example_gen.csv_files import SourceError
        from pipelines.scaffold import new_task
        from pipelines.scaffold.errors import ScaffoldError
        from pipelines.scaffold.next_steps import describe_next_steps

    try:
        written = new_task.new_task(ROOT, name, csv, label, problem=problem, by_path=by_path, text=text)
    except (ScaffoldError, SourceError, OSError) as error:
        return _REFUSED, f"new-task: {error}"
    return _DONE, describe_next_steps(written)
