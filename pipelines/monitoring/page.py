"""Render the page of one run of monitoring, as one file that loads nothing from elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipelines import charts
from pipelines.monitoring.columns import describe_columns
from pipelines.monitoring.record import MonitoringRecord
from pipelines.monitoring.words import clearest_findings, describe_verdict
from pipelines.report.numbers import NONE, format_number, format_percent
from pipelines.report.rendering import inline_json, inline_script, make_environment, read_script, read_style
from pipelines.report.vega import Figure, bundle_vega, make_figure
from serving.durable_file import write_whole

PAGE_FILE = "page.html"
_TEMPLATES = Path(__file__).with_name("templates")


def write_page(record: MonitoringRecord, directory: Path, cache: Path, labels: Markup) -> Path:
    """Write the page, whole or not at all.

    Args:
        record: of a run of monitoring that reached a verdict.
        directory: of this run.
        cache: folder for the script that all pages share.
        labels: content of the section on labels, as HTML.

    Returns:
        The page's path.
    """
    path = directory / PAGE_FILE
    write_whole(path, render(record, cache, labels))
    return path


def render(record: MonitoringRecord, cache: Path, labels: Markup) -> str:
    """Render the page as HTML; arguments as for `write_page`."""
    report = record.report
    columns = describe_columns(record)
    return (
        make_environment(_TEMPLATES)
        .get_template("monitoring.html.jinja")
        .render(
            record=record,
            report=report,
            verdict=describe_verdict(record),
            tiles=_tiles(report),
            findings=clearest_findings(report["findings"]),
            columns=columns,
            sets=list(dict.fromkeys(name for column in columns for name in column.sets)),
            predictions=_prediction_figures(report),
            prediction_sets=next(iter(report["predictions"].values()), {"shares": {}})["shares"],
            class_shares=_class_shares(report["versions"]),
            versions=report["versions"],
            labels=labels,
            themes=inline_json({scheme: charts.make_config(scheme) for scheme in charts.SCHEMES}),
            vega=inline_script(bundle_vega(cache)),
            script=read_script(),
            style=read_style(),
        )
    )


def _tiles(report: dict[str, Any]) -> list[dict[str, str]]:
    statuses = report["statuses"]["window"]
    requests = sum(statuses.values())
    unanswered = requests - statuses.get("200", 0)
    alarms = len({(one["column"], one["test"]) for one in report["findings"]})
    shift = report["least_shift"]
    found_change = NONE if shift is None else f"{shift:.1%}"
    before = format_number(report["rows"]["before"])
    return [
        _tile("rows answered", format_number(report["rows"]["window"]), f"{before} in the window before"),
        _tile(
            "requests unanswered",
            format_percent(unanswered / requests) if requests else NONE,
            f"{unanswered:,} of {requests:,}",
        ),
        _tile("findings", str(alarms), f"of {report['tests']} tests, at {report['level']:.0%} together"),
        _tile("change found", found_change, "of a share of one half, 4 times in 5"),
    ]


def _tile(name: str, value: str, about: str) -> dict[str, str]:
    return {"name": name, "value": value, "about": about}


def _class_shares(versions: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, float]]:
    """Return version, class and share of rows, the most frequent class first; none unless there are several classes."""
    return [
        (one["version"], name, share)
        for one in versions
        for name, share in sorted(one.get("class_shares", {}).items(), key=lambda pair: -pair[1])
    ]


def _prediction_figures(report: dict[str, Any]) -> list[Figure]:
    figures = []
    for version, histogram in report["predictions"].items():
        edges = histogram["edges"]
        frame = pd.DataFrame(
            [
                (name, low, high, share)
                for name, shares in histogram["shares"].items()
                for low, high, share in zip(edges[:-1], edges[1:], shares, strict=True)
            ],
            columns=["rows", "from", "to", "share"],
        )
        title = f"Predictions of {version or 'an unnamed version'}"
        figures.append(make_figure(title, charts.plot_distribution(frame)))
    return figures
