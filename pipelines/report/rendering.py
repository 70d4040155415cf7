"""Render the project's HTML pages: the templates' environment, and safe content of script elements."""

import json
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from pipelines.report import numbers

TEMPLATES = Path(__file__).with_name("templates")


def make_environment(*folders: Path) -> jinja2.Environment:
    """Make the Jinja environment: templates of the folders, then of the report; number formats as filters."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, TEMPLATES]),
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


def read_style() -> Markup:
    """Return the style sheet of every page."""
    return Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))


def read_script() -> Markup:
    """Return the script that draws the figures of a page."""
    return inline_script((TEMPLATES / "report.js").read_text(encoding="utf-8"))


def inline_json(value: object) -> Markup:
    """Return JSON that cannot end the script element it is in."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))


def inline_script(code: str) -> Markup:
    """Return code, escaped so that it cannot end the script element it is in."""
    return Markup(code.replace("</script", "<\\/script"))


def _allow_breaks(text: str) -> Markup:
    """Allow line breaks after the underscores of long names and the slashes of paths."""
    return Markup(escape(text).replace("_", Markup("_<wbr>")).replace("/", Markup("/<wbr>")))
