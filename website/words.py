"""Find the words that website/words.toml bans.

    python -m website.words

All tracked texts of the product are read: pages, code with its docstrings and messages, settings, templates. Tests are
not read, because they quote other texts.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("words.toml")
_SUFFIXES = frozenset({".html", ".ipynb", ".jinja", ".js", ".md", ".py", ".toml", ".ts", ".yaml", ".yml"})
_LEFT_OUT = ("tests/", "website/words.")


def main() -> int:
    """Print the words that are found.

    Returns:
        Exit status: 1 if there is a banned word, else 0.
    """
    words = tomllib.loads(LIST.read_text(encoding="utf-8"))["banned"]
    found = [line for path in tracked_files(ROOT) for line in find(words, path)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


def tracked_files(root: Path) -> list[Path]:
    """Return the texts to check.

    Args:
        root: the repository's folder.
    """
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    paths = [root / name for name in listed if not name.startswith(_LEFT_OUT)]
    return [path for path in paths if path.suffix in _SUFFIXES and path.is_file()]


def find(words: dict[str, str], path: Path) -> Iterator[str]:
    """Yield a message for each banned word of a file, with its place and the replacement.

    Args:
        words: pattern -> replacement.
        path: the file.

    Yields:
        The messages, pattern by pattern.
    """
    text = path.read_text(encoding="utf-8")
    for pattern, instead in words.items():
        for found in _compiled(pattern).finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
            yield f"{where}:{line}: {' '.join(found[0].split())!r} is banned; expected: {instead} (website/words.toml)"


def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern that matches whole words, also if a line ends between two of them."""
    return re.compile(rf"\b(?:{pattern})\b".replace(" ", r"[\s#>]+"), re.IGNORECASE)


if __name__ == "__main__":
    sys.exit(main())
