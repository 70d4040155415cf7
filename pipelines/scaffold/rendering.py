"""Render the templates of a new task."""

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
    """Make the Jinja environment, with a filter for the literals of each language that the files are written in."""
    # No autoescape: no HTML is written here.
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
    """Render one file, without the blank lines that a template's conditions leave at its start."""
    return make_environment().get_template(template).render(values).lstrip("\n")


def python(value: object) -> str:
    """Return a value as a Python literal.

    Example:
        >>> python("fare"), python((1, 2.5))
        ('"fare"', '(1, 2.5)')
    """
    return quoted(value) if isinstance(value, str) else pprint.pformat(value, width=_WIDTH, compact=True)


def quoted(text: str) -> str:
    r"""Return a string literal for Python, TOML and protobuf's text format, which all read JSON's escapes.

    Characters beyond ASCII stay as they are, in UTF-8.

    Example:
        >>> print(quoted('5" × 7"'))
        "5\" × 7\""
    """
    return json.dumps(text, ensure_ascii=False)


def cell(text: object) -> str:
    r"""Return the text of a Markdown table's cell, escaped and on one line.

    Example:
        >>> print(cell("red|gold"))
        red\|gold
    """
    return " ".join(str(text).replace("\\", "\\\\").replace("|", "\\|").splitlines())


def docstring(text: str) -> str:
    """Escape text for a docstring in which other text follows it, since a final quote is not escaped."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def wrapped(text: str, first: str = "", others: str = "") -> str:
    """Wrap text to lines of 118 characters, without breaking words."""
    return textwrap.fill(text, _WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False)


def capitalised(text: str) -> str:
    """Capitalise the first letter."""
    return text[:1].upper() + text[1:]
