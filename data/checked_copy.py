"""A copy of a data set's file that is right or absent: checked against the sha256 in its data card, written whole.

A file that is already right is not touched, so that whoever reads it again finds its times as they were. Standard
library only.
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
    """Read the sha256 of the rows from a data card, the figure's only home.

    Raises:
        DataError: The card names none.
    """
    found = re.search(r"^sha256: `([0-9a-f]{64})`$", card.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise DataError(
            f"{card}: expected a line 'sha256: `<64 hex digits>`', found none. Restore it from version control."
        )
    return found[1]


def is_right(target: Path, expected: str) -> bool:
    """Whether a file is there and has the sha256 that is expected."""
    return target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == expected


def copy_checked(source: Path, target: Path, *, card: Path, otherwise: str) -> None:
    """Make sure that `target` holds the bytes that the card describes, from `source` if it does not.

    Args:
        source: where they come from.
        target: where they go; folders above it are made.
        card: the data card with the sha256.
        otherwise: what to do when `source` holds other bytes, for the message.

    Raises:
        DataError: The source is missing, or is not what the card describes.
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
    """Check that what a file holds is what the card describes.

    Raises:
        DataError: It is not.
    """
    expected, received = card_sha256(card), hashlib.sha256(content).hexdigest()
    if received != expected:
        raise DataError(
            f"{source} is not the file that {card.parent.name}/{card.name} describes: expected sha256 {expected}, "
            f"received {received}. {otherwise}"
        )


def write_replacing(target: Path, content: bytes) -> None:
    """Write beside and rename: after a kill, `target` is the old file or the new one, never half of one."""
    for left in target.parent.glob(f".{target.name}.*"):
        left.unlink(missing_ok=True)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(beside, 0o644)
        os.replace(beside, target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def main(module: str, prepare: Callable[[Path], Path], file_name: str, arguments: list[str] | None = None) -> int:
    """The command of a data set's module; returns 0, or 1 with a message when the rows cannot be prepared.

    Args:
        module: such as data.taxi.
        prepare: writes the file into the folder that it is given.
        file_name: what it writes.
        arguments: of the command line.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Prepares the rows.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help=f"folder for {file_name}")
    try:
        file = prepare(parser.parse_args(arguments).out) / file_name
    except (DataError, OSError) as error:
        print(f"{module}: {error}", file=sys.stderr)
        return 1
    print(f"{file}: {file.stat().st_size:,} bytes, sha256 as in the data card")
    return 0
