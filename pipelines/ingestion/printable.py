"""Text with names of files in it, made fit for a terminal and for UTF-8."""

import json
from typing import Any


def make_printable(text: str) -> str:
    """Return a text with Python's escapes for what is not printable; lines stay lines.

    A file's name may hold what a terminal obeys, or bytes that are no UTF-8 (in Python surrogates, which cannot be
    written).
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in text
    )


def encode_json(record: dict[str, Any]) -> bytes:
    """Return a record as JSON in UTF-8. A name that is no UTF-8 is read back as it was: its escapes are JSON's."""
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
