"""What the commands `tune` and `portfolio` share: options, the folder's lock, the log, the exit status.

It loads without TFX, so that --help and a busy folder need not wait for it.
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

_SEARCH_SHARE = 2 / 3  # of the minutes


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExperimentOptions(TaskOptions):
    """The options of tune and portfolio."""

    budget: Annotated[TunerConfig, Parameter(name="*")] = TunerConfig()
    seeds: int = 8
    """Trainings of each candidate, each with a seed of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least("seeds", self.seeds, 2)

    @property
    def search_budget(self) -> TunerConfig:
        """The part of the budget that is for the search."""
        return dataclasses.replace(self.budget, minutes=self.budget.minutes * _SEARCH_SHARE)

    @property
    def comparison_minutes(self) -> float:
        """The rest, for the trainings that are compared."""
        return self.budget.minutes * (1 - _SEARCH_SHARE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandContext:
    """What a command runs with."""

    options: ExperimentOptions
    directory: Path  # for what it writes; its log is there
    console: Console  # the terminal

    @property
    def run_id(self) -> str:
        """Name the folder, and the run in ML Metadata."""
        return f"{self.directory.parent.name}-{self.directory.name}"


def run(name: str, options: ExperimentOptions, body: Callable[[CommandContext], None]) -> int:
    """Run a command and returns its exit status: 0 done, 1 failed, 2 a busy folder, 130 interrupted.

    Args:
        name: of the command, and of the folder below `var` that it writes to.
        options: of the command.
        body: what it does.
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
    except Exception as error:  # The boundary: the terminal says it, the log has the traceback.
        traceback.print_exc()
        context.console.print(f"error: {explain(error)}", style="bold red", markup=False, soft_wrap=True)
        context.console.print(f"log: {log}", soft_wrap=True)
        return 1
    return 0
