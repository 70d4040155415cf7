"""Copy a data set's file, checked against the sha256 in its data card, completely or not at all.

A file that is already right is not touched, so its modification time stays the same. Standard library only.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


class DataError(RuntimeError):
    """The rows cannot be prepared. The message says what was expected, what was received and what to do."""


def card_sha256(card: Path) -> str:
    """Read the sha256 of the rows from a data card, the only place that has it.

    Args:
        card: the data card, Markdown.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: The card has no sha256.
    """
    found = re.search(r"^sha256: `([0-9a-f]{64})`$", card.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise DataError(
            f"{card}: expected a line 'sha256: `<64 hex digits>`', found none. Restore it from version control."
        )
    return found[1]


def is_right(target: Path, expected: str) -> bool:
    """Return whether a file exists and has the expected sha256."""
    return target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == expected


def copy_checked(source: Path, target: Path, *, card: Path, otherwise: str) -> None:
    """Make sure that `target` holds the bytes that the card describes; copy them from `source` if it does not.

    Args:
        source: the original file.
        target: the copy; its folder is created.
        card: the data card with the sha256.
        otherwise: what to do when `source` holds other bytes, for the message.

    Raises:
        DataError: The source is missing, or differs from what the card describes.
        OSError: The folder cannot be written.
    """
    expected = card_sha256(card)
    if is_right(target, expected):
        return
    if not source.is_file():
        raise DataError(f"{source}: expected the rows that {card.name} describes, found no such file. {otherwise}")
    content = source.read_bytes()
    check_content(source, content, card=card, otherwise=otherwise)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_replacing(target, content)


def check_content(source: Path, content: bytes, *, card: Path, otherwise: str) -> None:
    """Check that a file's content is what the card describes.

    Args:
        source: the file, for the message.
        content: its bytes.
        card: the data card with the sha256.
        otherwise: what to do otherwise, for the message.

    Raises:
        DataError: The content differs.
    """
    expected, received = card_sha256(card), hashlib.sha256(content).hexdigest()
    if received != expected:
        raise DataError(
            f"{source} is not the file that {card.parent.name}/{card.name} describes: expected sha256 {expected}, "
            f"received {received}. {otherwise}"
        )


def write_replacing(target: Path, content: bytes) -> None:
    """Write a temporary file and rename it: after a kill, `target` is complete, the old file or the new one."""
    for left in target.parent.glob(f".{target.name}.*"):
        left.unlink(missing_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def main(module: str, prepare: Callable[[Path], Path], file_name: str, arguments: list[str] | None = None) -> int:
    """Run the command of a data set's module.

    Args:
        module: such as data.taxi.
        prepare: writes the file into the given folder.
        file_name: the file's name.
        arguments: the command line.

    Returns:
        The exit status: 0, or 1 after a message when the rows cannot be prepared.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Prepare the rows.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=f"folder for {file_name}")
    try:
        file = prepare(parser.parse_args(arguments).out) / file_name
    except (DataError, OSError) as error:
        print(f"{module}: {error}", file=sys.stderr)
        return 1
    print(f"{file}: {file.stat().st_size:,} bytes, sha256 as in the data card")
    return 0
