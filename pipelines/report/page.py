"""The page: renders every section into one file."""

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from pipelines import charts
from pipelines.report import numbers
from pipelines.report.data import describe_data
from pipelines.report.environment import describe_environment
from pipelines.report.lineage import draw_lineage
from pipelines.report.model_card import render_model_card
from pipelines.report.skew import describe_skew
from pipelines.report.timeline import describe_timeline
from pipelines.report.training import describe_training
from pipelines.report.unchanged_evaluation import describe_evaluation
from pipelines.report.vega import bundle_vega
from pipelines.report.verdict import describe_verdict
from pipelines.runs import Run, RunError
from serving.durable_file import write_whole

REPORT_FILE = "report.html"  # in the run's folder
_TEMPLATES = Path(__file__).with_name("templates")

# In the order of the page: name of the template, title, what makes it of a run and the cache.
_SECTIONS: tuple[tuple[str, str, Callable[[Run, Path], dict[str, Any]]], ...] = (
    ("timeline", "Timeline", lambda run, _: describe_timeline(run)),
    ("data", "Data", lambda run, _: describe_data(run)),
    ("training", "Training", lambda run, _: describe_training(run)),
    ("evaluation", "Evaluation", describe_evaluation),
    ("skew", "Training against serving", lambda run, _: describe_skew(run)),
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
    """Writes the report of a run into its folder, whole or not at all, and returns its path.

    Args:
        run: however it ended; what it did not get to is said.
        cache: a folder for what reports have in common.
    """
    path = run.directory / REPORT_FILE
    write_whole(path, render(run, cache))
    return path


def render(run: Run, cache: Path) -> str:
    """Renders the page as HTML.

    Args:
        run: to report on.
        cache: a folder for what reports have in common.
    """
    sections = [_build_section(name, title, functools.partial(build, run, cache)) for name, title, build in _SECTIONS]
    contents = {section.name: section.content for section in sections}
    return (
        _make_environment()
        .get_template("report.html.jinja")
        .render(
            run=run,
            verdict=describe_verdict(run),
            sections=sections,
            evaluation=contents["evaluation"],
            themes=_inline_json({scheme: charts.make_config(scheme) for scheme in charts.SCHEMES}),
            vega=_inline_script(bundle_vega(cache)),
            script=_inline_script((_TEMPLATES / "report.js").read_text(encoding="utf-8")),
            style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        )
    )


def _build_section(name: str, title: str, build: Callable[[], dict[str, Any]]) -> Section:
    try:
        return Section(name=name, title=title, content=build())
    except RunError as error:
        return Section(name=name, title=title, content=None, missing=str(error))


def _make_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": numbers.format_number,
        "metric": numbers.format_metric,
        "change": numbers.format_change,
        "percent": numbers.format_percent,
        "interval": numbers.format_interval,
        "change_interval": numbers.format_change_interval,
    }
    environment.filters["breakable"] = _allow_breaks
    environment.filters["spec"] = lambda text: Markup(text.replace("<", "\\u003c"))
    return environment


def _allow_breaks(text: str) -> Markup:
    """Allows line breaks after the underscores of long names."""
    return Markup(escape(text).replace("_", Markup("_<wbr>")))


def _inline_json(value: object) -> Markup:
    return Markup(json.dumps(value).replace("<", "\\u003c"))


def _inline_script(code: str) -> Markup:
    """Escapes code so that it cannot end the script element it stands in."""
    return Markup(code.replace("</script", "<\\/script"))
