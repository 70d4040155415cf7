"""MkDocs' hooks: add the generated pages, list the decisions, and adapt links to the site.

mkdocs.yml names this file. A file of the repository outside docs/ that is listed here, such as the changelog, becomes a
page of the site. Links to other files outside docs/ become code, because the site does not hold these files.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from website import commands, configuration, decisions, make_targets, metrics

ROOT = Path(__file__).resolve().parents[1]
# A file of the repository -> its page on the site.
PROJECT_PAGES = {
    "CHANGELOG.md": "project/changelog.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "project/security.md",
    "data/README.md": "project/data-card.md",
}
# A page of the site -> the function that writes its Markdown.
GENERATED: dict[str, Callable[[Path], str]] = {
    "decisions/index.md": decisions.write_index,
    "reference/commands.md": commands.write_page,
    "reference/configuration.md": configuration.write_page,
    "reference/make.md": make_targets.write_page,
    "reference/metrics.md": metrics.write_page,
}
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]*)(#[^)\s]*)?\)")
_MENTION = re.compile(r"(?<![\w/`(\[])docs/([\w/.-]+)\.md\b")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the section Decisions of the navigation."""
    config.nav = [
        {"Decisions": decisions.list_navigation(ROOT)} if "Decisions" in section else section
        for section in config.nav or []
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages, and the pages from the repository's other folders."""
    for uri, write in GENERATED.items():
        files.append(File.generated(config, uri, content=write(ROOT)))
    for source, uri in PROJECT_PAGES.items():
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links that leave docs/, and turn mentions of pages into links on generated pages."""
    uri = page.file.src_uri
    if uri in GENERATED:
        return _MENTION.sub(lambda found: f"[{found[1]}]({_relative(f'{found[1]}.md', uri)})", markdown)
    origin = next((source for source, project in PROJECT_PAGES.items() if project == uri), f"docs/{uri}")
    if uri == "index.md":
        origin = "docs/index.md"
    return lead_links(markdown, origin, uri)


def lead_links(markdown: str, origin: str, uri: str) -> str:
    """Return the page with its links rewritten for the site.

    Args:
        markdown: the page.
        origin: the page's file in the repository.
        uri: the page on the site.
    """
    return _LINK.sub(lambda found: _lead(found, origin, uri), markdown)


def _lead(link: re.Match[str], origin: str, uri: str) -> str:
    image, text, target, anchor = link[1], link[2], link[3], link[4] or ""
    if not target:
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), target))
    if path == "docs/decisions":
        path = "docs/decisions/index.md"
    if path.startswith("docs/"):
        return f"{image}[{text}]({_relative(path.removeprefix('docs/'), uri)}{anchor})"
    if path in PROJECT_PAGES:
        return f"[{text}]({_relative(PROJECT_PAGES[path], uri)}{anchor})"
    if (ROOT / path).exists():
        return f"`{path}`" if text.strip("`") == path else f"{text} (`{path}`)"
    return link[0]  # MkDocs' own check reports it


def _relative(target: str, uri: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(uri) or ".")
