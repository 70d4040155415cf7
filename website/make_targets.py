"""Generate the reference of make's targets: the text of `make help`."""

import re
from pathlib import Path


def write_page(root: Path) -> str:
    """Return the page.

    Args:
        root: the repository's folder.
    """
    (text,) = re.findall(r"^define HELP\n(.*?)^endef", (root / "Makefile").read_text(), re.MULTILINE | re.DOTALL)
    return f"# Make targets\n\nA bare `make` prints this text.\n\n```text\n{text}```\n"
