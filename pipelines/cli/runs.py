"""`runs`: list, show, compare and annotate runs."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from serving.cli.usage import UsageError, require

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.runs import Run, Runs

_SHOWN, _FAILED = 0, 1
_LATEST = "latest"
_WIDTH_OF_A_PIPE = 240  # characters, if the output is no terminal

app = App(
    name="runs",
    help="""Show the records of runs: nodes, gates, metrics, lineage, and what changed.

Name a run by its folder below runs/, by a version that it pushed, or as
latest.
""",
    help_epilogue="""Examples:
  python -m pipelines runs list --last 10
  python -m pipelines runs list --sort auc --where "auc > 0.95" --pushed
  python -m pipelines runs show                       the newest
  python -m pipelines runs diff 20261121-163842 latest
  python -m pipelines runs compare 1795253025 latest  better, worse or neither
  python -m pipelines runs lineage 1795253025         what a version was made of
  python -m pipelines runs lineage --data trips/      what these rows trained
  python -m pipelines runs export --mlflow http://127.0.0.1:5000
  python -m pipelines runs note latest "too few rows at night"
  python -m pipelines runs tag latest night candidate

Exit status: 0 shown; 1 there is no such run, or it cannot be read; 2 bad usage.
""",
    sort_key=20,  # after the commands that make runs
)


@Parameter(name="*")
@dataclasses.dataclass(frozen=True, kw_only=True)
class RunsOptions:
    """Options that choose the folder of runs and the task."""

    var: Path = Path("var")
    """The folder that the runs wrote to."""
    task: str | None = None
    """Runs of this task only."""


_ALL_RUNS = RunsOptions()


@Parameter(name="*")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ListOptions:
    """Options that choose which runs to list, and in which order."""

    sort: str = "started"
    """Sort by a metric over all eval rows, started, seconds or rows; the best is last."""
    conditions: Annotated[list[str] | None, Parameter(name="--where", negative=())] = None
    """Only runs that meet this condition, such as "auc > 0.95"; repeat it for several, which must all be met."""
    status: (
        Literal["pushed", "unchanged", "refused", "tie", "experiment", "failed", "interrupted", "unfinished"] | None
    ) = None
    """Only runs that ended like this."""
    experiment: str | None = None
    """Only runs of this experiment."""
    tag: str | None = None
    """Only runs with this tag."""
    pushed: bool = False
    """Only runs whose model a pushed version holds."""
    last: int | None = None
    """At most this many runs, the newest."""


_EVERY_RUN = ListOptions()


@app.command(name="list")
def list_runs(*, choice: ListOptions = _EVERY_RUN, where: RunsOptions = _ALL_RUNS) -> int:
    """List runs, the newest last.

    Args:
        choice: Which of them, and in which order.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """
    if choice.last is not None:
        require("--last", choice.last, 1, math.inf, "1 or more")
    return _shown(lambda console, runs: _list(console, runs, where, choice), where)


@app.command
def show(run: str = _LATEST, /, *, where: RunsOptions = _ALL_RUNS) -> int:
    """Show one run: nodes, gates, metrics, lineage.

    Args:
        run: The run.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """
    return _shown(lambda console, runs: _show(console, _open(runs, run, where.task)), where)


@app.command
def diff(before: str, after: str, /, *, most: int = 20, where: RunsOptions = _ALL_RUNS) -> int:
    """Show what changed between two runs: data, code, parameters, metrics.

    Args:
        before: A run.
        after: The run to compare it with.
        most: Show at most this many statistics and slices.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """
    require("--most", most, 1, math.inf, "1 or more")
    return _shown(lambda console, runs: _diff(console, runs, (before, after), where.task, most), where)


@app.command
def export(*names: str, mlflow: str, where: RunsOptions = _ALL_RUNS) -> int:
    """Send runs to an MLflow tracking server, each once: parameters, metrics per slice, tags, the report.

    A run that the server has already is not sent again; its new notes and tags
    are.

    Args:
        names: The runs; without any, all that have ended.
        mlflow: Address of the server, or another store that MLflow knows.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """
    return _shown(lambda console, runs: _export(console, runs, names, mlflow, where.task), where)


@app.command
def compare(
    before: str, after: str, /, *, confidence: float = 0.95, most: int = 20, where: RunsOptions = _ALL_RUNS
) -> int:
    """Say whether a run's model is better than another's, on the same rows, overall and per slice.

    Args:
        before: A run.
        after: The run to compare it with, on its eval rows.
        confidence: Confidence of the intervals.
        most: Show at most this many slices, those that chance hardly explains first.
        where: The folder of runs, and the task.

    Returns:
        The exit status.

    Raises:
        UsageError: An option is out of its range.
    """
    require("--most", most, 1, math.inf, "1 or more")
    if not 0.5 <= confidence < 1:
        raise UsageError(f"--confidence: expected 0.5 or more, and below 1, received {confidence:g}")

    def show_comparison(console: Console, runs: Runs) -> None:
        from pipelines.runs import paired, tables

        one, other = (_open(runs, name, where.task) for name in (before, after))
        found = paired.read_stored_pairs(one, other) or paired.ask_both(one, other)
        table = paired.tabulate_differences(found, confidence)
        tables.show_comparison(console, (one, other), table, paired.find_deciding_metric(other), most, confidence)
        _show_seeds(console, one, other)

    return _shown(show_comparison, where)


@app.command
def note(run: str, text: str, /, *, where: RunsOptions = _ALL_RUNS) -> int:
    """Add a note to a run; `list` shows the newest one.

    Args:
        run: The run.
        text: The note.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """

    def add(console: Console, runs: Runs) -> None:
        from pipelines.runs.notes import add_note

        found = _open(runs, run, where.task)
        add_note(found.directory, text)
        console.print(f"{found.id}: {text}", markup=False, soft_wrap=True)

    return _shown(add, where)


@app.command
def tag(run: str, /, *tags: str, where: RunsOptions = _ALL_RUNS) -> int:
    """Add tags to a run, which `list` then shows.

    Args:
        run: The run.
        tags: Words to find it by.
        where: The folder of runs, and the task.

    Returns:
        The exit status.
    """

    def add(console: Console, runs: Runs) -> None:
        from pipelines.runs.notes import add_tags

        found = _open(runs, run, where.task)
        add_tags(found.directory, tags)
        console.print(f"{found.id}: {' '.join(f'#{one}' for one in found.tags)}", markup=False, soft_wrap=True)

    return _shown(add, where)


@app.command
def lineage(
    run: str | None = None,
    /,
    *,
    data: str | None = None,
    span: int | None = None,
    where: RunsOptions = _ALL_RUNS,
) -> int:
    """Show what a model was made of, or which models were trained on some data.

    Args:
        run: The run, or the pushed version.
        data: The CSV file or folder that was read, or its fingerprint.
        span: The span of the data.
        where: The folder of runs, and the task.

    Returns:
        The exit status.

    Raises:
        UsageError: Both a run and data are named.
    """
    if run is not None and (data is not None or span is not None):
        raise UsageError("expected a run, or data that was read (--data, --span), received both: leave out one")
    return _shown(lambda console, runs: _lineage(console, runs, run, data, span, where.task), where)


def _shown(show: Callable[[Console, Runs], None], where: RunsOptions) -> int:
    """Call `show`, print its errors, and return the exit status."""
    from rich.console import Console  # import late: --help needs neither rich nor pandas

    from pipelines.runs import RunError, Runs

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_PIPE)
    try:
        show(console, Runs(where.var))
        sys.stdout.flush()
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except BrokenPipeError:  # `| head` closed the pipe: the flush at exit must not fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _SHOWN


def _list(console: Console, runs: Runs, where: RunsOptions, choice: ListOptions) -> None:
    from pipelines.runs import RunError, tables
    from pipelines.runs.selection import ConditionError, parse_condition, select_runs, sort_runs

    every = runs.list(where.task)
    if not every:
        raise RunError(f"no runs below {where.var / 'runs'}: run `make run-local`, or name --var")
    try:
        conditions = [parse_condition(text) for text in choice.conditions or ()]
        found = select_runs(
            every,
            conditions=conditions,
            status=choice.status,
            experiment=choice.experiment,
            tag=choice.tag,
            pushed=choice.pushed,
        )
        if not found:
            raise RunError(
                f"none of the {len(every):,} runs meets every option: expected at least one; leave out an option"
            )
        found = sort_runs(found[-choice.last :] if choice.last else found, choice.sort)
    except ConditionError as error:
        raise UsageError(str(error)) from error
    tables.show_list(console, found, [choice.sort, *(condition.name for condition in conditions)])


def _show(console: Console, run: Run) -> None:
    from pipelines.runs import tables

    tables.show_run(console, run)
    if run.summary["nodes"]:  # without nodes it ended before the first one, and its record says why
        tables.show_lineage(console, run.lineage())


def _diff(console: Console, runs: Runs, names: tuple[str, str], task: str | None, most: int) -> None:
    from pipelines.runs import tables
    from pipelines.runs.difference import compare_runs

    before, after = (_open(runs, name, task) for name in names)
    tables.show_difference(console, compare_runs(before, after), most)


def _show_seeds(console: Console, before: Run, after: Run) -> None:
    """Show how two experiments compare over several seeds; print nothing if one has no seeds."""
    from pipelines.runs import tables
    from pipelines.runs.seeds_file import SEEDS_FILE

    if not all((run.directory / SEEDS_FILE).is_file() for run in (before, after)):
        return
    from pipelines.search.comparison import ComparisonError  # import late: it loads Keras
    from pipelines.search.seed_record import compare_seeds, read_seeds

    found = [read_seeds(run.directory) for run in (before, after)]
    assert found[0] is not None, "its seeds file exists"
    assert found[1] is not None, "its seeds file exists"
    try:
        scores = compare_seeds(found[0], found[1])
    except ComparisonError as error:
        console.print(f"over several seeds: not compared: {error}", markup=False, soft_wrap=True)
        return
    tables.show_seeds(console, {name: score.change for name, score in scores.items() if score.change is not None})


def _lineage(
    console: Console, runs: Runs, run: str | None, data: str | None, span: int | None, task: str | None
) -> None:
    from pipelines.runs import tables

    if data is None and span is None:
        tables.show_lineage(console, _open(runs, run or _LATEST, task).lineage())
    else:
        tables.show_trained_models(console, runs.models_trained_on(data, span=span, task=task))


def _export(console: Console, runs: Runs, names: Sequence[str], uri: str, task: str | None) -> None:
    from pipelines.overview.mlflow_export import ExportError, export_records
    from pipelines.overview.mlflow_records import make_record
    from pipelines.runs import RunError
    from pipelines.runs.run_record import UNFINISHED

    chosen = [_open(runs, name, task) for name in names] or runs.list(task)
    ended = [run for run in chosen if run.status != UNFINISHED and run.task]
    if not ended:
        raise RunError(
            "expected a run that has ended, to export it, received none: wait for a run to end, or name another"
        )
    try:
        result = export_records(uri, [make_record(run) for run in ended])
    except ExportError as error:
        raise RunError(str(error)) from error
    console.print(f"exported {len(result.added)} runs to {uri}, {len(result.known)} were there", soft_wrap=True)


def _open(runs: Runs, name: str, task: str | None) -> Run:
    """Open a run by its name, or by the version that it pushed."""
    return runs.open(runs.lineage(name, task).run_id if name.isdecimal() else name, task)
