"""Print runs on the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.comparison_words import describe_interval
from pipelines.evaluation.model_comparison import interpret
from pipelines.evaluation.slices import OVERALL
from pipelines.runs.difference import Change, RunDifference
from pipelines.runs.lineage import Lineage
from pipelines.runs.run import Run

_COLORS = {
    "pushed": "green",
    "unchanged": "green",
    "tie": "cyan",
    "experiment": "cyan",
    "refused": "red",
    "failed": "red",
    "interrupted": "yellow",
}
_VERDICTS = {True: "[green]passed[/]", False: "[red]refused[/]", None: "[dim]not reached[/]"}
_DIGITS = 12  # of a digest that is shown
_NOTHING = "–"
_COMPARED = {"better": "is better than", "worse": "is worse than", "tie": "is not distinguishable from"}


def show_list(console: Console, runs: Sequence[Run], asked_for: Sequence[str] = ()) -> None:
    """Print one line for each run, in their order.

    Args:
        console: the terminal.
        runs: the runs.
        asked_for: metrics to show before others; other names are left out.
    """
    table = _make_table("run", "task", "status", "started (UTC)", "took", "rows", "metrics", "version", "notes")
    for run in runs:
        rows, metrics = sum(run.summary["rows"].values()), run.summary["metrics"].get(OVERALL, {})
        names = dict.fromkeys([*(name for name in asked_for if name in metrics), *metrics])
        table.add_row(
            run.id,
            run.task or _NOTHING,
            f"[{_COLORS.get(run.status, 'yellow')}]{run.status}[/]",
            run.started[:19].replace("T", " "),
            f"{run.summary['seconds']:.0f} s",
            f"{rows:,}" if rows else _NOTHING,
            "  ".join(f"{name} {_format_number(metrics[name])}" for name in list(names)[:2]) or _NOTHING,
            run.version or _NOTHING,
            escape(describe_purpose(run)),
        )
    console.print(table)


def describe_purpose(run: Run) -> str:
    """Return a run's experiment, note and tags in one line; empty if it has none."""
    words = [run.experiment, run.note, " ".join(f"#{tag}" for tag in run.tags)]
    return "  ".join(word for word in words if word)


def show_comparison(
    console: Console, runs: tuple[Run, Run], found: pd.DataFrame, deciding: str, most: int, confidence: float
) -> None:
    """Print whether the second run's model is better than the first's, overall and in slices.

    Args:
        console: the terminal.
        runs: both runs.
        found: the result of pipelines.runs.paired.tabulate_differences.
        deciding: the metric that decides.
        most: number of slices at most, those that differ by more than chance first.
        confidence: of the intervals, between 0 and 1.
    """
    before, after = (run.id for run in runs)
    (verdict,) = found[(found["slice"] == OVERALL) & (found["metric"] == deciding)].itertuples()
    change = describe_interval(verdict.difference, verdict.low, verdict.high)
    console.print(f"[bold]{after} {_COMPARED[verdict.word]} {before}[/]: {deciding} {change}", soft_wrap=True)
    slices = found[found["slice"] != OVERALL]
    differs = slices["word"].isin(["better", "worse"])
    order = slices.assign(same=~differs, size=-slices["difference"].abs()).sort_values(["same", "size"]).index
    table = _make_table("slice", "metric", "rows", "difference", "low", "high", "")
    for row in (*found[found["slice"] == OVERALL].itertuples(), *slices.loc[order[:most]].itertuples()):
        numbers = (f"{number:+.4f}" if pd.notna(number) else _NOTHING for number in (row.difference, row.low, row.high))
        table.add_row(escape(row.slice), row.metric, f"{row.rows:,}", *numbers, row.word)
    console.print(table)
    if len(slices):
        console.print(
            f"{differs.sum()} of {len(slices)} slices differ by more than chance; between equal models, "
            f"{(1 - confidence) * len(slices):.1f} of them would be expected to",
            soft_wrap=True,
        )
    _show_left_out(console, len(slices) - min(most, len(slices)))


def show_seeds(console: Console, changes: Mapping[str, Interval]) -> None:
    """Print how measures change over several seeds, on training rows that were held out."""
    table = _make_table("over several seeds", "difference", "low", "high", "")
    for name, one in changes.items():
        numbers = (f"{number:+.4f}" for number in (one.value, one.low, one.high))
        table.add_row(name, *numbers, interpret(name, one))
    console.print(table)


def show_run(console: Console, run: Run) -> None:
    """Print a run's nodes, verdicts and metrics."""
    console.print(f"[bold]{run.task}[/]  run {run.id}  [{_COLORS.get(run.status, 'yellow')}]{run.status}[/]")
    if purpose := describe_purpose(run):
        console.print(escape(purpose), soft_wrap=True)
    if run.summary["error"]:
        console.print(escape(run.summary["error"]), style="red", soft_wrap=True)
    nodes = _make_table("node", "state", "seconds", "")
    for node in run.nodes().itertuples():
        nodes.add_row(node.node, node.state, f"{node.seconds:.1f}", escape(node.summary))
    console.print(nodes)
    gates = _make_table("gate", "verdict", "reasons")
    for gate in run.gates().itertuples():
        gates.add_row(gate.gate, _VERDICTS[gate.passed], escape("\n".join(gate.reasons)))
    console.print(gates)
    if run.summary["metrics"]:
        _show_frame(console, run.metrics().reset_index(), list(run.metrics().columns))


def show_lineage(console: Console, lineage: Lineage) -> None:
    """Print what a model was made of, and its pushed versions."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _list_facts(lineage):
        table.add_row(f"[bold]{name}[/]", escape(value))
    console.print(table)


def show_trained_models(console: Console, models: pd.DataFrame) -> None:
    """Print the models that were trained on some data."""
    table = _make_table("data", "read as", "rows", "task", "trained by run", "model", "pushed as")
    for row in models.itertuples():
        cells = (f"{row.data}/{row.files}", row.fingerprint, f"{row.rows:,}", row.task, row.run, row.model)
        table.add_row(*map(escape, cells), ", ".join(row.versions) or "[dim]not pushed[/]")
    console.print(table)


def show_difference(console: Console, found: RunDifference, most: int) -> None:
    """Print what differs between two runs; of statistics and slices, only the `most` largest changes."""
    console.print(f"[bold]{found.before.task}[/]  {found.before.id} → {found.after.id}")
    _show_changes(console, "data", found.data)
    if found.nodes:
        _show_changes(console, "nodes that ran in one run only", found.nodes)
    if found.statistics is None:
        console.print("[bold]statistics[/]  not compared: one of the runs has none")
    else:
        _show_statistics(console, found.statistics, most)
    if found.files is None:
        console.print("[bold]task files[/]  not compared: one of the runs recorded none; see the digests of code")
    else:
        _show_changes(console, "task files", found.files)
    _show_changes(console, "code", found.code)
    for title, changes in (("features", found.features), ("layers", found.layers)):
        if changes is not None:
            _show_changes(console, title, changes)
    _show_changes(console, "parameters", found.parameters)
    _show_changes(console, "hyperparameters", found.hyperparameters)
    _show_changes(console, "stack", found.stack)
    words = {True: "passed", False: "refused"}
    _show_changes(
        console,
        "gates",
        [Change(name=one.name, before=words.get(one.before), after=words.get(one.after)) for one in found.gates],
    )
    show_metrics(console, found.metrics, most)


def _list_facts(lineage: Lineage) -> Iterable[tuple[str, str]]:
    data = lineage.data
    if data is not None:
        rows = ", ".join(f"{split} {count:,}" for split, count in data.rows.items())
        files = f"{', '.join(data.files)} ({'as it was read' if data.unchanged else 'changed since it was read'})"
        yield "data", f"{data.folder}: {rows} rows, span {data.span}, read {data.read:%Y-%m-%d %H:%M:%S} UTC"
        yield "split", data.split or _NOTHING
        yield "files", files if data.files else "removed"
        yield "fingerprint", data.fingerprint
    yield "contract", lineage.contract or _NOTHING
    yield "code", "  ".join(f"{node} {digest}" for node, digest in lineage.code.items()) or _NOTHING
    settings = {name: value for name, value in lineage.parameters.items() if name.startswith("Trainer.custom_config.")}
    yield "parameters", "  ".join(f"{name.rpartition('.')[2]}={value}" for name, value in settings.items()) or _NOTHING
    if lineage.hyperparameters:
        yield "hyperparameters", "  ".join(f"{name}={value}" for name, value in lineage.hyperparameters.items())
    yield "model", f"{lineage.model.uri}, trained by run {lineage.trained_by}" if lineage.model else _NOTHING
    if lineage.started_from:
        yield "started from", lineage.started_from.uri
    yield "compared with", lineage.baseline.uri if lineage.baseline else "no model pushed before"
    yield "pushed as", ", ".join(lineage.versions) or "not pushed"


def _show_changes(console: Console, title: str, changes: Sequence[Change]) -> None:
    if not changes:
        console.print(f"[bold]{title}[/]  the same")
        return
    table = _make_table(title, "before", "after")
    for change in changes:
        table.add_row(escape(change.name), escape(_format_cell(change.before)), escape(_format_cell(change.after)))
    console.print(table)


def _show_statistics(console: Console, found: pd.DataFrame, most: int) -> None:
    numbers = pd.DataFrame({side: pd.to_numeric(found[side], errors="coerce") for side in ("before", "after")})
    # Relative to the greater of the two. A value that only one run has counts as a change of 1.
    size = (numbers["after"] - numbers["before"]).abs() / numbers.abs().max(axis=1)
    order = size.fillna(1.0).sort_values(ascending=False, kind="stable").index
    shown = found.loc[order[:most]]
    changes = [
        Change(name=f"{row.split}: {row.figure} of {row.feature}", before=row.before, after=row.after)
        for row in shown.itertuples()
    ]
    _show_changes(console, "statistics", changes)
    _show_left_out(console, len(found) - len(shown))


def show_metrics(console: Console, metrics: pd.DataFrame, most: int) -> None:
    """Print the metrics of two runs: all of them over all rows, and the `most` largest changes in slices."""
    overall = metrics[metrics["slice"] == OVERALL]
    moved = metrics[(metrics["slice"] != OVERALL) & (metrics["difference"].fillna(1.0) != 0)]
    order = moved["difference"].abs().fillna(0.0).sort_values(ascending=False, kind="stable").index
    table = _make_table("slice", "metric", "before", "after", "difference")
    for row in (*overall.itertuples(), *moved.loc[order[:most]].itertuples()):
        change = _NOTHING if pd.isna(row.difference) else f"{row.difference:+.4f}"
        table.add_row(escape(row.slice), row.metric, _format_number(row.before), _format_number(row.after), change)
    console.print(table)
    _show_left_out(console, len(moved) - min(most, len(moved)))


def _show_left_out(console: Console, left_out: int) -> None:
    if left_out:
        console.print(f"[dim]… and {left_out:,} smaller ones; --most shows more[/]")


def _show_frame(console: Console, frame: pd.DataFrame, numbers: Sequence[str]) -> None:
    table = _make_table(*frame.columns)
    for row in frame.to_dict("records"):
        table.add_row(
            *(_format_number(value) if name in numbers else escape(str(value)) for name, value in row.items())
        )
    console.print(table)


def _make_table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _format_cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return _NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _format_number(value)
    return value[:_DIGITS] if isinstance(value, str) and len(value) == 64 else str(value)


def _format_number(value: float | None) -> str:
    if value is None or pd.isna(value):
        return _NOTHING
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 100 else f"{value:.4g}"
