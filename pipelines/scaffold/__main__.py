"""The command line: `python -m pipelines.scaffold --name x --csv file --label column`."""

import argparse
import os
import sys
import warnings
from pathlib import Path

from pipelines.task_definition.problem import PROBLEMS
from serving.process_control import exit_now, gc_paused_imports, hold_stderr

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Writes a task; returns 0, 1 when the rows cannot be used, and 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.scaffold", description="Writes a new task from a CSV file; overwrites nothing."
    )
    parser.add_argument("--name", required=True, help="what the task is called, such as churn")
    parser.add_argument("--csv", required=True, type=Path, metavar="FILE", help="the rows, with a header")
    parser.add_argument("--label", required=True, metavar="COLUMN", help="what is to be predicted")
    parser.add_argument("--problem", choices=PROBLEMS, help="instead of what the label's values suggest")
    parser.add_argument("--by-path", action="store_true", help="do not copy the rows into the project")
    options = parser.parse_args(arguments)
    for option in ("name", "label"):
        if not getattr(options, option):
            parser.error(f"--{option}: expected a name, received nothing; with make: {option.upper()}=…")
    # TensorFlow and TFDV take seconds to load, and say things of each other that nobody here needs.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    with hold_stderr():
        status, said = _new_task(options)
    print(said, file=sys.stderr if status else sys.stdout)
    return status


def _new_task(options: argparse.Namespace) -> tuple[int, str]:
    """The exit status, and what to say."""
    with gc_paused_imports():
        from components.csv_example_gen.csv_files import SourceError
        from pipelines.scaffold.errors import ScaffoldError
        from pipelines.scaffold.new_task import new_task
        from pipelines.scaffold.next_steps import in_words

    try:
        written = new_task(
            ROOT, options.name, options.csv, options.label, problem=options.problem, by_path=options.by_path
        )
    except (ScaffoldError, SourceError, OSError) as error:
        return 1, f"new-task: {error}"
    return 0, in_words(written)


if __name__ == "__main__":
    exit_now(main())
