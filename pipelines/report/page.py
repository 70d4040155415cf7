"""Render all sections of a run's report into one HTML file."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipelines import charts
from pipelines.report.environment import describe_environment
from pipelines.report.intervals import collect_intervals
from pipelines.report.lineage import draw_lineage
from pipelines.report.model_card import render_model_card
from pipelines.report.rendering import inline_json, inline_script, make_environment, read_script, read_style
from pipelines.report.skew import describe_skew
from pipelines.report.timeline import describe_timeline
from pipelines.report.training import describe_training
from pipelines.report.unchanged_sections import describe_data, describe_diagnosis, describe_evaluation
from pipelines.report.vega import bundle_vega
from pipelines.report.verdict import describe_verdict
from pipelines.runs import Run, RunError
from pipelines.runs.errors import NoOutputError
from pipelines.runs.intervals import INTERVALS_FILE
from serving.durable_file import write_whole

REPORT_FILE = "report.html"  # in the run's folder

# In the order of the page: name of the template, title, function of run and cache that returns the content.
_SECTIONS: tuple[tuple[str, str, Callable[[Run, Path], dict[str, Any]]], ...] = (
    ("evaluation", "Evaluation", describe_evaluation),
    ("training", "Training", lambda run, _: describe_training(run)),
    ("diagnosis", "Explanation", describe_diagnosis),
    ("data", "Data", describe_data),
    ("skew", "Training-serving skew", lambda run, _: describe_skew(run)),
    ("timeline", "Timeline", lambda run, _: describe_timeline(run)),
    ("model_card", "Model card", lambda run, _: render_model_card(run)),
    ("lineage", "Lineage", lambda run, _: draw_lineage(run)),
    ("environment", "Environment and digests", lambda run, _: describe_environment(run)),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the page."""

    name: str  # of its template, and of its anchor
    title: str
    content: dict[str, Any] | None
    missing: str = ""  # why there is no content


def write_report(run: Run, cache: Path) -> Path:
    """Write the report of a run into the run's folder, whole or not at all, and return its path.

    The intervals of the metrics are written to INTERVALS_FILE in the same folder, for comparisons of runs.

    Args:
        run: A finished or failed run; a section whose node did not run says so.
        cache: A folder that all reports share.

    Returns:
        The path of REPORT_FILE.
    """
    path = run.directory / REPORT_FILE
    sections = [
        _build_section(run, name, title, functools.partial(build, run, cache)) for name, title, build in _SECTIONS
    ]
    write_whole(path, _render(run, sections, cache))
    if evaluation := _find_content(sections, "evaluation"):
        write_whole(run.directory / INTERVALS_FILE, collect_intervals(evaluation))
    return path


def _render(run: Run, sections: Sequence[Section], cache: Path) -> str:
    """Render the page as HTML."""
    return (
        make_environment()
        .get_template("report.html.jinja")
        .render(
            run=run,
            verdict=describe_verdict(run),
            sections=sections,
            evaluation=_find_content(sections, "evaluation"),
            themes=inline_json({scheme: charts.make_config(scheme) for scheme in charts.SCHEMES}),
            vega=inline_script(bundle_vega(cache)),
            script=read_script(),
            style=read_style(),
        )
    )


def _find_content(sections: Sequence[Section], name: str) -> dict[str, Any] | None:
    return next(section.content for section in sections if section.name == name)


def _build_section(run: Run, name: str, title: str, build: Callable[[], dict[str, Any]]) -> Section:
    try:
        return Section(name=name, title=title, content=build())
    except RunError as error:
        return Section(name=name, title=title, content=None, missing=explain_missing(run, error))


def explain_missing(run: Run, error: RunError) -> str:
    """Return why a section has no content, without the error of the failed node, which the top of the page shows.

    Args:
        run: The run to report on.
        error: What the section's function raised.

    Returns:
        One sentence.
    """
    failed = [node["id"] for node in run.summary["nodes"] if node["state"] == "failed"]
    if not isinstance(error, NoOutputError) or not failed:
        return str(error)
    return f"{error.node} failed." if error.node in failed else f"Not reached: {' and '.join(failed)} failed."
