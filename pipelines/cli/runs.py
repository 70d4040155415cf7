"""`runs`: what happened."""

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
_WIDTH_OF_A_PIPE = 240  # characters; a terminal has a width of its own

app = App(
    name="runs",
    help="""Show what runs wrote: nodes, gates, metrics, lineage, and what changed.

A run is named by its folder below runs/, by a version that it pushed, or as
latest.
""",
    help_epilogue="""Examples:
  python -m pipelines runs list --last 10
  python -m pipelines runs list --sort auc --where "auc > 0.95" --pushed
  python -m pipelines runs show                       the newest
  python -m pipelines runs diff 20261121-163842 latest
  python -m pipelines runs compare 1795253025 latest  better, worse or neither
  python -m pipelines runs lineage 1795253025         where a version came from
  python -m pipelines runs lineage --data trips/      what these rows fed
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
    """Which runs."""

    var: Path = Path("var")
    """The folder that the runs wrote to."""
    task: str | None = None
    """Runs of this task only."""


_ALL_RUNS = RunsOptions()


@Parameter(name="*")
@dataclasses.dataclass(frozen=True, kw_only=True)
class ListOptions:
    """Which of them to list, and in which order."""

    sort: str = "started"
    """By what, the best last: a metric over all eval rows, started, seconds or rows."""
    conditions: Annotated[list[str] | None, Parameter(name="--where", negative=())] = None
    """A bound that they meet, such as "auc > 0.95"; given again, another that they meet, too."""
    status: (
        Literal["pushed", "unchanged", "refused", "tie", "experiment", "failed", "interrupted", "unfinished"] | None
    ) = None
    """How they ended."""
    experiment: str | None = None
    """The experiment that they belong to."""
    tag: str | None = None
    """A tag that they have."""
    pushed: bool = False
    """Those whose model a pushed version holds."""
    last: int | None = None
    """The newest so many of them only."""


_EVERY_RUN = ListOptions()


@app.command(name="list")
def list_runs(*, choice: ListOptions = _EVERY_RUN, where: RunsOptions = _ALL_RUNS) -> int:
    """List runs, the newest last.

    Args:
        choice: Which of them, and in which order.
        where: Which runs.
    """
    if choice.last is not None:
        require("--last", choice.last, 1, math.inf, "1 or more")
    return _shown(lambda console, runs: _list(console, runs, where, choice), where)


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
def export(*names: str, mlflow: str, where: RunsOptions = _ALL_RUNS) -> int:
    """Send runs to an MLflow tracking server, each once: parameters, metrics per slice, tags, the report.

    What is there already is not sent again; notes and tags that came since are.

    Args:
        names: Which runs; all that have ended without any.
        mlflow: Address of the server, or another store that MLflow knows.
        where: Which runs.
    """
    return _shown(lambda console, runs: _export(console, runs, names, mlflow, where.task), where)


@app.command
def compare(
    before: str, after: str, /, *, confidence: float = 0.95, most: int = 20, where: RunsOptions = _ALL_RUNS
) -> int:
    """Say whether a run's model is better than another's, on the same rows, overall and per slice.

    Args:
        before: A run.
        after: The run to compare it with; the rows are its eval rows.
        confidence: Of the intervals.
        most: Slices that are shown, those that chance hardly explains first.
        where: Which runs.
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
    """Say something of a run, which `list` then shows; the newest note counts.

    Args:
        run: Which run.
        text: What you found.
        where: Which runs.
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
        run: Which run.
        tags: Words to find it by.
        where: Which runs.
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
            raise RunError(f"none of the {len(every):,} runs is as asked for: leave out an option")
        found = sort_runs(found[-choice.last :] if choice.last else found, choice.sort)
    except ConditionError as error:
        raise UsageError(str(error)) from error
    tables.show_list(console, found, [choice.sort, *(condition.name for condition in conditions)])


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


def _show_seeds(console: Console, before: Run, after: Run) -> None:
    """Show how two experiments compare over several seeds; nothing where one was trained once."""
    from pipelines.runs import tables
    from pipelines.runs.seeds_file import SEEDS_FILE

    if not all((run.directory / SEEDS_FILE).is_file() for run in (before, after)):
        return
    from pipelines.search.comparison import ComparisonError  # Imported here: it loads Keras.
    from pipelines.search.seed_record import compare_seeds, read_seeds

    found = [read_seeds(run.directory) for run in (before, after)]
    assert found[0] is not None, "its file is there"
    assert found[1] is not None, "its file is there"
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
        raise RunError("no run has ended among those asked for: expected one to export")
    try:
        result = export_records(uri, [make_record(run) for run in ended])
    except ExportError as error:
        raise RunError(str(error)) from error
    console.print(f"exported {len(result.added)} runs to {uri}, {len(result.known)} were there", soft_wrap=True)


def _open(runs: Runs, name: str, task: str | None) -> Run:
    """A run by its name, or by the version that it pushed."""
    return runs.open(runs.lineage(name, task).run_id if name.isdecimal() else name, task)
