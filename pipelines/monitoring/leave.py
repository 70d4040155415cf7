"""What a look at the traffic leaves: page, metrics, record, and the lines on the terminal."""

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
_SHOWN = 12  # findings; the rest is in summary.json


def write_all(record: MonitoringRecord, options: MonitorOptions, directory: Path) -> None:
    """Writes the page, the metrics and, last, the record that names them.

    Args:
        record: of the look.
        options: of the command.
        directory: of the look.
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
    """Says on the terminal what was found."""
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
            f"{report['tests']} tests at {report['level']:.0%} together: a share of one half is watched to "
            f"{report['least_shift']:.1%}",
            soft_wrap=True,
        )
    if report["findings"]:
        # As wide as it is: on a narrow terminal lines wrap, and no number is cut off.
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
    """What labels say of the answers, in a line.

    Args:
        production: of the record.
    """
    if "fault" in production:
        return f"nothing yet: {production['fault']}"
    records = production["records"]
    overall = [one for one in records if one["slice"] == OVERALL]
    rows, labelled = (sum({one["version"]: one[name] for one in overall}.values()) for name in ("rows", "labelled"))
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
