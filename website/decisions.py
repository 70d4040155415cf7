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
