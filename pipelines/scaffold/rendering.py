"""Renders the templates of a new task."""

import json
import pprint
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

_TEMPLATES = Path(__file__).with_name("templates")
_WIDTH = 118


def make_environment() -> jinja2.Environment:
    """Loads the templates, with the filters that write values in each file's own language."""
    # Nothing is escaped: no HTML is written here, and each file's language has a filter of its own.
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    found.filters |= {
        "python": python,
        "toml": quoted,
        "pbtxt": quoted,
        "cell": cell,
        "docstring": docstring,
        "wrapped": wrapped,
        "capitalised": capitalised,
    }
    return found


def render(template: str, values: Mapping[str, Any]) -> str:
    """Renders one file, without the blank lines at its start that conditions in a template can leave."""
    return make_environment().get_template(template).render(values).lstrip("\n")


def python(value: object) -> str:
    """Writes a literal of Python."""
    return quoted(value) if isinstance(value, str) else pprint.pformat(value, width=_WIDTH, compact=True)


def quoted(text: str) -> str:
    """Quotes a string for Python, TOML and protobuf's text format, which all read JSON's escapes of ASCII.

    Characters beyond ASCII stay as they are, in UTF-8.
    """
    return json.dumps(text, ensure_ascii=False)


def cell(text: object) -> str:
    """Escapes a cell of a Markdown table."""
    return " ".join(str(text).replace("\\", "\\\\").replace("|", "\\|").splitlines())


def docstring(text: str) -> str:
    """Escapes text within a docstring of three double quotes, of which it is not the end."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def wrapped(text: str, first: str = "", others: str = "") -> str:
    """Wraps text to lines that are not too long."""
    return textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False)


def capitalised(text: str) -> str:
    """Capitalises the first letter."""
    return text[:1].upper() + text[1:]
