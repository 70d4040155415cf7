"""Share options, the folder's lock, the log and the exit status between `tune` and `portfolio`.

Imports no TFX, so that --help and the error of a busy folder are quick.
"""

import dataclasses
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from pipelines.config import TunerConfig, require_at_least
from pipelines.explain import explain
from pipelines.options import TaskOptions
from pipelines.runner.lock import BusyError, lock_folder
from pipelines.runner.run_folder import make_run_directory, use_temporary_folder
from pipelines.runner.run_log import redirect_output
from serving.process_control import remember_interrupts

_SEARCH_SHARE = 2 / 3  # of the budget's minutes


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExperimentOptions(TaskOptions):
    """Options of tune and portfolio."""

    budget: Annotated[TunerConfig, Parameter(name="*")] = TunerConfig()
    seeds: int = 8
    """Trainings of each candidate, each with its own seed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("seeds", self.seeds, 2)

    @property
    def search_budget(self) -> TunerConfig:
        """The part of the budget for the search."""
        return dataclasses.replace(self.budget, minutes=self.budget.minutes * _SEARCH_SHARE)

    @property
    def comparison_minutes(self) -> float:
        """Minutes of the budget for the trainings that are compared: those that the search does not get."""
        return self.budget.minutes * (1 - _SEARCH_SHARE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandContext:
    """What a command is called with."""

    options: ExperimentOptions
    directory: Path  # the command's output folder, with its log
    console: Console  # the terminal

    @property
    def run_id(self) -> str:
        """ID of this execution in ML Metadata, from the folder's name."""
        return f"{self.directory.parent.name}-{self.directory.name}"


def run(name: str, options: ExperimentOptions, body: Callable[[CommandContext], None]) -> int:
    """Run a command.

    Args:
        name: of the command, and of its folder below `var`.
        options: of the command.
        body: the command's work.

    Returns:
        Exit status. 0: done. 1: failed. 2: another command uses the folder. 130: interrupted.
    """
    try:
        with remember_interrupts(), lock_folder(options.var), use_temporary_folder(options.var / "tmp"):
            directory = make_run_directory(options.var / name)
            console = Console(file=redirect_output(directory / "run.log"), highlight=False)
            console.print(f"[bold]{options.task}[/]  {name} {directory.name}", soft_wrap=True)
            return _run(body, CommandContext(options=options, directory=directory, console=console))
    except BusyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(body: Callable[[CommandContext], None], context: CommandContext) -> int:
    log = context.directory / "run.log"
    try:
        body(context)
    except KeyboardInterrupt:
        context.console.print("interrupted")
        return 130
    except Exception as error:  # Any error of the command is printed; its traceback goes to the log.
        traceback.print_exc()
        context.console.print(f"error: {explain(error)}", style="bold red", markup=False, soft_wrap=True)
        context.console.print(f"log: {log}", soft_wrap=True)
        return 1
    return 0
