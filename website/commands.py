"""Generate the reference of the command line from the apps that parse it."""

import argparse
import functools
import html
import re
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

from pipelines.cli.app import app as pipelines_app
from serving.cli import rollout
from serving.cli.app import app as serving_app
from serving.server.options import parser

_SERVER = "python -m serving server"
_ROLLOUT = "python -m serving rollout"
_WIDTH = 100  # columns of a help text in a block of code
_INTRODUCTION = """# Command line

The project has two commands. `python -m pipelines` trains, gates, pushes and watches models; it is installed as
`tfx-pipeline`, too. `python -m serving` serves them. `make` wraps the most common calls ([targets](make.md)).
`python` is this project's: `.venv/bin/python`, or `python` after `source .venv/bin/activate`.
"""


def write_page(root: Path) -> str:
    """Return the page: for each command usage, purpose, options, examples and exit status.

    Args:
        root: the repository's folder.
    """
    sections = {
        **_sections("python -m pipelines", pipelines_app),
        **_sections("python -m serving", serving_app),
        **_sections(_ROLLOUT, rollout.app),  # parses its options separately from its subcommands
        _SERVER: _server(),
    }
    return "\n".join([_INTRODUCTION, *sections.values()])


def _sections(name: str, app: App) -> dict[str, str]:
    """Return the section of each command by its words; the program itself comes first."""
    text = app.generate_docs(output_format="markdown", recursive=True, heading_level=2, usage_name=name)
    # cyclopts adds the module of the running process, such as `-m mkdocs`, to each line of usage.
    text = re.sub(rf"^({re.escape(name)}\b.*?) -m [\w.]+", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"^##+ Table of Contents\n.*?(?=^\*\*|^##)", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\*\*Commands\*\*:\n\n(?:\* .*\n)+", "", text, flags=re.MULTILINE)
    # Usage is not a transcript of a terminal; in a console block the site's button would copy what follows a prompt.
    return dict(_named(name, app, text.replace("```console", "```text")))


def _named(name: str, app: App, text: str) -> Iterator[tuple[str, str]]:
    for section in re.split(r"^(?=##+ )", text, flags=re.MULTILINE):
        if section.strip():
            heading, _, rest = section.partition("\n")
            words = heading.lstrip("# ").removeprefix(app.name[0]).removeprefix(name).strip()
            level = "###" if words or name == _ROLLOUT else "##"
            command = f"{name} {words}".strip()
            yield command, f"{level} {command}\n{_escape(rest)}\n{_epilogue(app, words)}"


def _escape(section: str) -> str:
    """Escape text outside code that Markdown would read as tags."""
    parts = re.split(r"(```.*?```|`[^`\n]*`)", section, flags=re.DOTALL)
    return "".join(part if part.startswith("`") else html.escape(part, quote=False) for part in parts)


def _epilogue(app: App, words: str) -> str:
    """Return a command's examples and exit status as a code block."""
    for word in words.split():
        app = app[word]
    if not isinstance(app.help_epilogue, str) or not app.help_epilogue.strip():
        return ""
    return f"```text\n{app.help_epilogue.strip()}\n```\n"


def _server() -> str:
    """Return the section of the model server, which parses TensorFlow Serving's flags itself."""
    flags = parser()
    flags.formatter_class = functools.partial(argparse.HelpFormatter, width=_WIDTH)
    return f"### {_SERVER}\n\n```text\n{flags.format_help().strip()}\n```\n"
