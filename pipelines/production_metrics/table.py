"""Print production metrics on the terminal."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.slices import OVERALL
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import Window

_COLORS = {GapVerdict.WORSE: "red", GapVerdict.CHANGED: "red", GapVerdict.BETTER: "green", GapVerdict.AS_PROMISED: ""}
_NOTHING = "–"
_HELD = {True: "yes", False: "[yellow]no[/]", None: _NOTHING}
STRIKING = (GapVerdict.WORSE, GapVerdict.BETTER, GapVerdict.CHANGED)


def show_metrics(console: Console, found: ProductionMetrics, *, all_slices: bool) -> None:
    """Print a table for each window and version, and the notes.

    Args:
        console: the terminal.
        found: the metrics.
        all_slices: also show slices whose gaps chance alone explains.
    """
    for (window, version), records in _group(found.records).items():
        rows, labelled = records[0].rows, records[0].labelled
        console.print(
            f"[bold]{found.task}[/] {_time(window)}  version {version}  {rows:,} rows, {labelled:,} labelled, "
            f"{rows - labelled:,} labels out"
        )
        shown = [record for record in records if all_slices or record.slice == OVERALL or record.verdict in STRIKING]
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("slice", "metric", "rows", "labels out", "production", "estimated", "held", "promised", "verdict"):
            # Fold cells on a narrow terminal, instead of cutting them off.
            table.add_column(name, justify="right" if name in ("rows", "labels out") else "left", overflow="fold")
        before = ""
        for record in shown:
            table.add_row(*_cells(record, named=record.slice != before))
            before = record.slice
        console.print(table)
        hidden = len({record.slice for record in records} - {record.slice for record in shown})
        if hidden:
            console.print(f"[dim]{hidden} slices without a gap beyond chance: --all-slices shows them[/]")
        console.print()
    for note in found.notes:
        console.print(f"note  {escape(note)}")


def _group(records: Sequence[MetricRecord]) -> dict[tuple[Window, int], list[MetricRecord]]:
    groups: dict[tuple[Window, int], list[MetricRecord]] = {}
    for record in records:
        groups.setdefault((record.window, record.version), []).append(record)
    return groups


def _cells(record: MetricRecord, *, named: bool) -> list[str]:
    color = _COLORS.get(record.verdict, "dim")
    verdict = f"[{color}]{record.verdict.value}[/]" if color else record.verdict.value
    return [
        escape(record.slice) if named else "",
        record.metric,
        f"{record.rows:,}" if named else "",
        f"{record.labels_out:,}" if named else "",
        describe_interval(record.production),
        describe_interval(record.estimated),
        _HELD[record.estimate_held],
        describe_interval(record.promised),
        verdict,
    ]


def describe_interval(interval: Interval | None) -> str:
    """Return a value with its interval, for people; a dash if there is none.

    Args:
        interval: the value and its interval.

    Example:
        >>> describe_interval(Interval(value=0.91234, low=0.9, high=0.925))
        '0.912 (0.900–0.925)'
    """
    if interval is None or not math.isfinite(interval.value):
        return _NOTHING
    if not math.isfinite(interval.low):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"


def _time(window: Window) -> str:
    return f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
