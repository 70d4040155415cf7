"""`runs`: what happened."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App, Parameter

from serving.cli.usage import UsageError, require

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.runs import Run, Runs

_SHOWN, _FAILED = 0, 1
_LATEST = "latest"
_WIDTH_OF_A_PIPE = 240  # characters; a terminal has a width of its own

app = App(
    name="runs",
    help="""Show what runs wrote: nodes, gates, metrics, lineage, and what changed.

A run is named by its folder below runs/, by a version that it pushed, or as
latest.
""",
    help_epilogue="""Examples:
  python -m pipelines runs list --last 10
  python -m pipelines runs show                       the newest
  python -m pipelines runs diff 20261121-163842 latest
  python -m pipelines runs lineage 1795253025         where a version came from
  python -m pipelines runs lineage --data trips/      what these rows fed

Exit status: 0 shown; 1 there is no such run, or it cannot be read; 2 bad usage.
""",
    sort_key=15,  # after the commands that make runs
)


@Parameter(name="*")
@dataclasses.dataclass(frozen=True, kw_only=True)
class RunsOptions:
    """Which runs."""

    var: Path = Path("var")
    """The folder that the runs wrote to."""
    task: str | None = None
    """Runs of this task only."""


_ALL_RUNS = RunsOptions()


@app.command(name="list")
def list_runs(*, last: int | None = None, where: RunsOptions = _ALL_RUNS) -> int:
    """List every run, the newest last.

    Args:
        last: The newest so many only.
        where: Which runs.
    """
    if last is not None:
        require("--last", last, 1, math.inf, "1 or more")
    return _shown(lambda console, runs: _list(console, runs, where, last), where)


@app.command
def show(run: str = _LATEST, /, *, where: RunsOptions = _ALL_RUNS) -> int:
    """Show one run: nodes, gates, metrics, lineage.

    Args:
        run: Which run.
        where: Which runs.
    """
    return _shown(lambda console, runs: _show(console, _open(runs, run, where.task)), where)


@app.command
def diff(before: str, after: str, /, *, most: int = 20, where: RunsOptions = _ALL_RUNS) -> int:
    """Show what changed between two runs: data, code, parameters, metrics.

    Args:
        before: A run.
        after: The run to compare it with.
        most: Statistics and slices that are shown.
        where: Which runs.
    """
    require("--most", most, 1, math.inf, "1 or more")
    return _shown(lambda console, runs: _diff(console, runs, (before, after), where.task, most), where)


@app.command
def lineage(
    run: str | None = None,
    /,
    *,
    data: str | None = None,
    span: int | None = None,
    where: RunsOptions = _ALL_RUNS,
) -> int:
    """Show where a model came from, or what data fed.

    Args:
        run: Which run, or which pushed version.
        data: The CSV file or folder that was read, or its fingerprint.
        span: The span of the data.
        where: Which runs.
    """
    if run is not None and (data is not None or span is not None):
        raise UsageError("name a run, or data that was read, not both")
    return _shown(lambda console, runs: _lineage(console, runs, run, data, span, where.task), where)


def _shown(show: Callable[[Console, Runs], None], where: RunsOptions) -> int:
    """Shows something of the runs, and returns the exit status."""
    from rich.console import Console  # Imported here, with pandas: --help need not wait for them.

    from pipelines.runs import RunError, Runs

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    try:
        show(console, Runs(where.var))
        sys.stdout.flush()
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:  # `| head` has seen enough; what is left must not fail at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _SHOWN


def _list(console: Console, runs: Runs, where: RunsOptions, last: int | None) -> None:
    from pipelines.runs import RunError, tables

    found = runs.list(where.task)
    if not found:
        raise RunError(f"no runs below {where.var / 'runs'}: run `make run-local`, or name --var")
    tables.show_list(console, found[-last:] if last else found)


def _show(console: Console, run: Run) -> None:
    from pipelines.runs import tables

    tables.show_run(console, run)
    if run.summary["nodes"]:  # else it ended before its first node, and its record says why
        tables.show_lineage(console, run.lineage())


def _diff(console: Console, runs: Runs, names: tuple[str, str], task: str | None, most: int) -> None:
    from pipelines.runs import tables
    from pipelines.runs.difference import compare_runs

    before, after = (_open(runs, name, task) for name in names)
    tables.show_difference(console, compare_runs(before, after), most)


def _lineage(
    console: Console, runs: Runs, run: str | None, data: str | None, span: int | None, task: str | None
) -> None:
    from pipelines.runs import tables

    if data is None and span is None:
        tables.show_lineage(console, _open(runs, run or _LATEST, task).lineage())
    else:
        tables.show_trained_models(console, runs.models_trained_on(data, span=span, task=task))


def _open(runs: Runs, name: str, task: str | None) -> Run:
    """A run by its name, or by the version that it pushed."""
    return runs.open(runs.lineage(name, task).run_id if name.isdecimal() else name, task)
