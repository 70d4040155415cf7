"""Render the task's model card, a Markdown file, as HTML."""

from typing import Any

import markdown_it
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup

from pipelines.runs import Run, RunError

_HEADINGS_BELOW = 2  # levels of headings that the page has itself
_WEB = ("http://", "https://", "mailto:")


def render_model_card(run: Run) -> dict[str, Any]:
    """Return the content of the section: the card as HTML.

    Args:
        run: The run to report on.

    Raises:
        RunError: The task has no model card.
    """
    path = run.task_record.model_card
    if path is None:
        raise RunError(f"task {run.task} has no model card: write one, and set model_card to its path in the task.py.")
    return {"html": render_markdown(path.read_text(encoding="utf-8"))}


def render_markdown(text: str) -> Markup:
    """Render Markdown as HTML. HTML in it, and links to files, which a report cannot follow, are shown as text."""
    markdown = markdown_it.MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("heading_open", _lower)
    markdown.add_render_rule("heading_close", _lower)
    markdown.add_render_rule("link_open", _only_web)
    markdown.add_render_rule("link_close", _close)
    return Markup(markdown.render(text))


def _lower(renderer: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: dict[str, Any]) -> str:
    token = tokens[index]
    level = min(int(token.tag[1:]) + _HEADINGS_BELOW - 1, 6)
    return f"<{'/' if token.nesting < 0 else ''}h{level}>"


def _only_web(
    renderer: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: dict[str, Any]
) -> str:
    leads = str(tokens[index].attrs.get("href", "")).startswith(_WEB)
    env.setdefault("links", []).append(leads)
    return renderer.renderToken(tokens, index, options, env) if leads else ""


def _close(renderer: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: dict[str, Any]) -> str:
    return "</a>" if env["links"].pop() else ""
