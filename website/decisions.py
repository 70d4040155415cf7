"""Generate the index of docs/decisions/."""

import re
from pathlib import Path

NO_BREAK = "\N{NON-BREAKING HYPHEN}"  # keeps a date on one line


def files(root: Path) -> list[Path]:
    """Return the decisions in the order of their numbers.

    Args:
        root: the repository's folder.
    """
    return sorted((root / "docs" / "decisions").glob("[0-9]*.md"))


def list_navigation(root: Path) -> list[str | dict[str, list[str]]]:
    """Return the section's navigation: the index, then the decisions in groups of ten by number.

    Args:
        root: the repository's folder.
    """
    groups: dict[str, list[str]] = {}
    for path in files(root):
        tens = (int(path.name[:4]) - 1) // 10 * 10
        groups.setdefault(f"{tens + 1} to {tens + 10}", []).append(f"decisions/{path.name}")
    return ["decisions/index.md", *({title: pages} for title, pages in groups.items())]


def write_index(root: Path) -> str:
    """Return the page with number, date and title of each decision, the newest first.

    Args:
        root: the repository's folder.
    """
    rows = []
    for path in reversed(files(root)):
        title, _, date = path.read_text().splitlines()[:3]
        number, text = re.findall(r"^# (\d+)\. (.*)", title)[0]
        rows.append(f"| {number} | {date.replace('-', NO_BREAK)} | [{text}]({path.name}) |")
    lines = ["# Decisions", "", "Each page says what was asked, what was decided, and what follows from it.", ""]
    return "\n".join([*lines, "| | date | decision |", "|---|---|---|", *rows, ""])
