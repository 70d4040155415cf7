"""Run the command `check`: print one line for each step, and the error of the first step that fails."""

import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from pipelines.explain import explain
from pipelines.task_check.dry_run import ask_signatures, train_sample, transform_sample
from pipelines.task_check.model_trial import try_model
from pipelines.task_check.preprocessing import check_preprocessing
from pipelines.task_definition.task import load_task

_DONE, _FAILED = 0, 1
_Value = TypeVar("_Value")


def run(task_name: str, data: Path | None, var: Path, console: Console) -> int:
    """Check a task: its preprocessing_fn without rows, then everything up to the signatures on a few rows.

    Args:
        task_name: as `load_task` accepts it.
        data: a file or folder; None: the task's own rows.
        var: the task's own rows are prepared below it, as for a run.
        console: the terminal.

    Returns:
        Exit status. 0: all steps passed. 1: a step failed, and its error is printed.
    """
    steps = _Steps(console)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        try:
            task = steps.do("task", lambda: load_task(task_name), lambda task: f"{task.name}, a {task.problem} problem")
            checked = steps.do(
                "preprocessing",
                lambda: check_preprocessing(task),
                lambda found: f"{found.features} features, the label among them, of {len(found.columns)} raw columns",
            )
            steps.do(
                "model",
                lambda: try_model(task, checked),
                lambda model: "built, called and traced" if model else "cannot be built before rows are analysed",
            )
            sample = steps.do(
                "transform",
                lambda: transform_sample(task, data or task.prepare_data(var / "data" / task.name), Path(folder)),
                lambda sample: f"{sample.analysed:,} rows analysed and transformed",
            )
            model = steps.do(
                "export",
                lambda: train_sample(task, sample, Path(folder)),
                lambda _: f"trained for two steps on {len(sample.raw)} rows, and exported",
            )
            steps.do(
                "signatures",
                lambda: ask_signatures(sample, model),
                lambda _: f"all three give the same answers for {len(sample.raw)} rows",
            )
        except Exception as error:  # Any error is printed; its traceback goes to the log.
            traceback.print_exc()
            steps.tell_failure(explain(error))
            return _FAILED
    return _DONE


class _Steps:
    """Run steps one after the other, and print a line for each."""

    def __init__(self, console: Console):
        self._console = console
        self._name, self._began = "", time.monotonic()

    def do(self, name: str, step: Callable[[], _Value], describe: Callable[[_Value], str]) -> _Value:
        """Run a step, print that it passed, and return its result."""
        self._name, self._began = name, time.monotonic()
        value = step()
        self._tell("[green]ok[/]    ", describe(value))
        return value

    def tell_failure(self, reason: str) -> None:
        """Print why the step that was started last failed."""
        self._tell("[red]failed[/]", reason)

    def _tell(self, outcome: str, text: str) -> None:
        seconds = f"{time.monotonic() - self._began:5.1f} s"
        self._console.print(f"{self._name:<14} {outcome} {seconds}  {escape(text)}", soft_wrap=True)
