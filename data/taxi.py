"""Prepares the taxi trips: 15,002 real rows that ship inside the installed tfx package, so no network is needed.

    python -m data.taxi --out var/data/taxi

Writes `<out>/trips.csv`, byte for byte the file in the package, after checking it against the sha256 in the data card
(data/README.md, the figure's only home). A file that is already right is not touched: its modification time is part of
ExampleGen's cache key. Standard library only; tfx is found but not imported, which would take seconds.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

CARD = Path(__file__).with_name("README.md")
IN_PACKAGE = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")
FILE_NAME = "trips.csv"


class DataError(RuntimeError):
    """The rows cannot be prepared. The message says what was expected, what was received and what to do."""


def prepare(directory: Path) -> Path:
    """Makes sure that `<directory>/trips.csv` holds the trips, and returns `directory`.

    Raises:
        DataError: tfx is not installed, or its file is not the one in the data card.
        OSError: the directory cannot be written.
    """
    target = Path(directory) / FILE_NAME
    expected = card_sha256()
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == expected:
        return Path(directory)
    source = packaged_file()
    content = source.read_bytes()
    received = hashlib.sha256(content).hexdigest()
    if received != expected:
        raise DataError(
            f"{source} is not the file that {CARD.parent.name}/{CARD.name} describes: expected sha256 {expected}, "
            f"received {received}. Install tfx again (it is damaged, or another release with other data; "
            "then review the data and write the new figures into the card)."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    _replace(target, content)
    return Path(directory)


def card_sha256() -> str:
    """Reads the sha256 of the rows from the data card.

    Raises:
        DataError: the card names none.
    """
    found = re.search(r"^sha256: `([0-9a-f]{64})`$", CARD.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise DataError(
            f"{CARD}: expected a line 'sha256: `<64 hex digits>`', found none. Restore it from version control."
        )
    return found[1]


def packaged_file() -> Path:
    """Finds the trips inside the installed tfx package, without importing it.

    Raises:
        DataError: there is no tfx, or it lacks the file.
    """
    spec = importlib.util.find_spec("tfx")
    roots = list(spec.submodule_search_locations or ()) if spec else []
    for root in roots:
        if (path := Path(root) / IN_PACKAGE).is_file():
            return path
    raise DataError(
        f"expected the trips at {IN_PACKAGE} inside the installed tfx package, found "
        f"{f'no such file below {roots[0]}' if roots else 'no tfx'}. Install the project's environment again."
    )


def _replace(target: Path, content: bytes) -> None:
    """Writes beside and renames: after a kill, `target` is the old file or the new one, never half of one."""
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


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns 0, or 1 with a message when the rows cannot be prepared."""
    parser = argparse.ArgumentParser(prog="python -m data.taxi", description="Prepares the Chicago taxi trips.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for trips.csv")
    out = parser.parse_args(arguments).out
    try:
        file = prepare(out) / FILE_NAME
    except (DataError, OSError) as error:
        print(f"data.taxi: {error}", file=sys.stderr)
        return 1
    rows = file.read_bytes().count(b"\n") - 1
    print(f"{file}: {rows:,} trips, sha256 as in data/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
