"""Write the results of monitoring: the page, the metrics, the record, and the lines on the terminal."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipelines.evaluation.slices import OVERALL
from pipelines.monitoring.labels import read_labels, render_labels
from pipelines.monitoring.options import MonitorOptions
from pipelines.monitoring.page import write_page
from pipelines.monitoring.prometheus import metrics_file, write_metrics
from pipelines.monitoring.record import MonitoringRecord
from pipelines.monitoring.words import FindingWords, clearest_findings, describe_verdict
from pipelines.production_metrics.table import STRIKING

_STRIKING = {verdict.value for verdict in STRIKING}
_SHOWN = 12  # findings on the terminal; summary.json has all


def write_all(record: MonitoringRecord, options: MonitorOptions, directory: Path) -> None:
    """Write the page, the metrics and, last, the record that names them.

    Args:
        record: of this run of monitoring; is filled in.
        options: of the command.
        directory: of this run.
    """
    feedback = options.feedback or options.var / "feedback" / options.task.rpartition(".")[2]
    labels = read_labels(options.task, options.var, log=Path(record.log), feedback=feedback, window=record.window)
    record.production = labels.found.as_dict() if labels.found else {"fault": labels.fault}
    record.page = str(write_page(record, directory, options.var / "cache", render_labels(labels)))
    metrics = (options.metrics or directory) / metrics_file(record.task)
    write_metrics(record, time.time(), metrics)
    record.metrics = str(metrics)
    record.write(directory)


def tell(record: MonitoringRecord, console: Console, directory: Path) -> None:
    """Print the verdict and the findings on the terminal."""
    report = record.report
    words = describe_verdict(record)
    window = record.window
    console.print()
    console.print(
        f"[{words.style}]{words.word}[/]  {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC: "
        f"{report['rows']['window']:,} rows answered, {report['rows']['before']:,} in the window before",
        soft_wrap=True,
    )
    if report["least_shift"] is not None:
        console.print(
            f"{report['tests']} tests at {report['level']:.0%} together: of a share of one half, a change of "
            f"{report['least_shift']:.1%} is found 4 times in 5",
            soft_wrap=True,
        )
    if report["findings"]:
        # Wider than a narrow terminal: its lines wrap there, but no number is cut off.
        wide = Console(file=console.file, width=max(console.width, 140), highlight=False)
        wide.print(_findings_table(clearest_findings(report["findings"])))
    for one in report["anomalies"][:_SHOWN]:
        console.print(f"contract  {one['column'] or 'all rows'}: {one['description']}", markup=False, soft_wrap=True)
    if record.production:
        console.print(f"labels    {describe_production(record.production)}", markup=False, soft_wrap=True)
    console.print(f"record    {directory / 'summary.json'}", soft_wrap=True)
    console.print(f"metrics   {record.metrics}", soft_wrap=True)
    console.print(f"page      {record.page}", soft_wrap=True)


def describe_production(production: dict[str, Any]) -> str:
    """Describe production metrics in a line.

    Args:
        production: the record's field of this name.

    Returns:
        The line: how many rows have a label, and which metrics have a gap beyond chance.
    """
    if "fault" in production:
        return f"not measured: {production['fault']}"
    records = production["records"]
    overall = [one for one in records if one["slice"] == OVERALL]
    rows, labelled = (sum({one["version"]: one[name] for one in overall}.values()) for name in ("rows", "labelled"))
    if not labelled:
        return f"none of {rows:,} rows has one yet"
    gaps = [f"{one['metric']} on {one['slice']} {one['verdict']}" for one in records if one["verdict"] in _STRIKING]
    return f"{labelled:,} of {rows:,} rows have one; " + ("; ".join(gaps) or "no gap beyond chance")


def _findings_table(findings: list[FindingWords]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("column", "what", "in the window", "expected"):
        table.add_column(heading, overflow="fold")
    table.add_column("p", justify="right", no_wrap=True)
    for one in findings[:_SHOWN]:
        table.add_row(one.column, one.what, escape(one.observed), escape(one.expected), one.p)
    if len(findings) > _SHOWN:
        table.add_row(f"and {len(findings) - _SHOWN} more", "", "", "", "")
    return table
