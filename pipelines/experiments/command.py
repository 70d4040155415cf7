"""What the commands `tune` and `portfolio` share: options, the folder's lock, the log, how they end.

It loads without TFX, so that --help and a busy folder need not wait for it.
"""

import argparse
import dataclasses
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from pipelines.explain import explain
from pipelines.runner.argument_types import minutes, path, whole
from pipelines.runner.lock import BusyError, exclusive
from pipelines.runner.run_folder import new_run_directory, scratch
from pipelines.runner.run_log import divert_output
from pipelines.task_definition.lookup import TaskError, task_module
from serving.process_control import remember_interrupts

SEARCH_SHARE = 2 / 3  # of the minutes; the rest is for the trainings that are compared


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    task: str
    data: Path | None  # absolute; None: what the task prepares by itself
    var: Path  # absolute
    train_steps: int | None  # None: the task's own
    trials: int
    minutes: float
    seeds: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandContext:
    """A command that is going on."""

    options: Options
    directory: Path  # for what it writes; its log is there
    console: Console  # the terminal

    @property
    def run_id(self) -> str:
        """Names the folder, and the run in ML Metadata."""
        return f"{self.directory.parent.name}-{self.directory.name}"


def main(
    name: str, description: str | None, body: Callable[[CommandContext], None], arguments: list[str] | None = None
) -> int:
    """Runs a command and returns its exit status: 0 done, 1 failed, 2 bad usage or a busy folder, 130 interrupted."""
    options = _parse(name, description, arguments)
    remember_interrupts()
    try:
        with exclusive(options.var), scratch(options.var / "tmp"):
            directory = new_run_directory(options.var / name)
            console = Console(file=divert_output(directory / "run.log"), highlight=False)
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


def _parse(name: str, description: str | None, arguments: list[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog=f"python -m pipelines.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--task", default="taxi", help="a folder below pipelines/ (default: taxi), or a dotted package")
    parser.add_argument("--data", type=path, help="a CSV file, or a folder of them (default: the task's own data)")
    parser.add_argument("--var", type=path, default="var", help="where everything is written (default: var)")
    parser.add_argument("--train-steps", type=whole(1), metavar="N", help="train on N batches at most, each time")
    parser.add_argument(
        "--trials", type=whole(1), default=30, metavar="N", help="sets of hyperparameters at most (default: 30)"
    )
    parser.add_argument(
        "--minutes",
        type=minutes,
        default=10.0,
        metavar="N",
        help="time at most, for each architecture: two thirds for the search, the rest for comparing (default: 10)",
    )
    parser.add_argument(
        "--seeds",
        type=whole(2),
        default=8,
        metavar="N",
        help="trainings of each candidate, each with a seed of its own (default: 8)",
    )
    options = Options(**vars(parser.parse_args(arguments)))
    try:
        task_module(options.task)
    except TaskError as error:
        parser.error(str(error))
    return options
