"""Compare our models with the best of three yardsticks, on the same split of five tasks.

    python -m benchmarks.yardstick --out var/bench/yardstick

The taxi task is the committed one. `new-task` makes the others in a copy of this project, as a newcomer would: no
feature or hyperparameter is chosen by hand. Each is run as by `make run-local`, and compared as in its report. The
command prints a table, and writes the same to `<out>/yardstick.json`. It takes about a minute per task.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.yardstick.data_sets import NEW_TASKS
from pipelines.scaffold.new_task import new_task

_PROJECT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".uv", "var", "__pycache__", ".*_cache")
_WIDTH = 150  # columns of the table, so that no figure is cut off
_TASKS = ("taxi", *NEW_TASKS)


class ComparisonFailedError(RuntimeError):
    """A run or its comparison ended with an error."""


def main() -> int:
    """Run the comparison; return 0, or 1 if our model is worse than a yardstick beyond chance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("var/bench/yardstick"), metavar="DIR")
    parser.add_argument("--tasks", nargs="+", choices=_TASKS, default=_TASKS, help="all tasks if left out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        records = [_compare(make_project(Path(scratch), options.tasks), task) for task in options.tasks]
    (options.out / "yardstick.json").write_text(json.dumps(records, indent=2) + "\n")
    print_table(records, Console(width=max(Console().width, _WIDTH)))
    return int(any(measure["word"] == "worse" for record in records for measure in record["measures"]))


def make_project(scratch: Path, tasks: tuple[str, ...]) -> Path:
    """Copy this project, and make the new tasks in it, unless that is done already."""
    root = scratch / "project"
    if root.exists():
        return root
    shutil.copytree(_PROJECT, root, ignore=_LEFT_OUT, symlinks=True)
    (root / ".venv").symlink_to(sys.prefix)
    for name in NEW_TASKS.keys() & set(tasks):
        write_rows, label = NEW_TASKS[name]
        new_task(root, name, write_rows(scratch), label)
    return root


def _compare(project: Path, task: str) -> dict[str, Any]:
    var = project / "var"
    _run_python(project, "-m", "pipelines", "run", "--task", task, "--var", str(var))
    return json.loads(
        _run_python(project, "-m", "benchmarks.yardstick.measured_run", "--var", str(var), "--task", task)
    )


def _run_python(project: Path, *arguments: str) -> str:
    """Run Python in the copy, and return its output."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    # A run also ends with 1 when a gate refused the model: the model exists, and is compared.
    if done.returncode and "run" not in arguments:
        raise ComparisonFailedError(
            f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def print_table(records: list[dict[str, Any]], console: Console) -> None:
    """Print a line for each task and measure."""
    table = Table(
        "task", "eval rows", "measure", "ours", "best yardstick", "its value", "ours less its (95%)", "ours is"
    )
    for record in records:
        for measure in record["measures"]:
            difference = measure["difference"]
            table.add_row(
                record["task"],
                f"{record['rows']:,}",
                measure["name"],
                _format(measure["ours"]["value"]),
                record["best"],
                _format(measure["best"]["value"]),
                f"{_format(difference['value'])} ({_format(difference['low'])} to {_format(difference['high'])})",
                measure["word"],
            )
    console.print(table)


def _format(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


if __name__ == "__main__":
    sys.exit(main())
