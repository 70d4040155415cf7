"""Escape file names in texts that go to a terminal or a UTF-8 file."""

import json
from typing import Any


def make_printable(text: str) -> str:
    r"""Return a text with Python's escapes for unprintable characters; line breaks stay.

    A file name may hold terminal control sequences, or bytes that are not UTF-8. In Python such bytes are surrogates,
    which cannot be written.

    Example:
        >>> print(make_printable("2014Q1" + chr(27) + "[31m.csv"))
        2014Q1\x1b[31m.csv
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii") for one in text
    )


def encode_json(record: dict[str, Any]) -> bytes:
    """Return a record as JSON in UTF-8. Bytes of a name that are not UTF-8 become JSON escapes and can be read back."""
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
