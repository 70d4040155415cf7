"""Find the browser for tests of pages: this machine's Chromium or Chrome.

`python3 -m environment.browser` prints its path. Exit status 0: found. 2: not found.
"""

from __future__ import annotations

import os
import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
EXPECTED = f"{', '.join(NAMES)} or $CHROMIUM on PATH"


def find() -> str | None:
    """Return the browser's path, or None. The variable CHROMIUM, a name or a path, excludes all others."""
    named = os.environ.get("CHROMIUM", "")
    return next(filter(None, map(shutil.which, (named,) if named else NAMES)), None)


def main() -> int:
    """Print the path and return the exit status."""
    found = find()
    print(found or f"none: expected {EXPECTED}", file=sys.stdout if found else sys.stderr)
    return 0 if found else 2


if __name__ == "__main__":
    sys.exit(main())
