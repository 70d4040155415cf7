"""Prepares the taxi trips: 15,002 real rows that ship inside the installed tfx package, so no network is needed.

    python -m data.taxi --out var/data/taxi

Writes `<out>/trips.csv`, byte for byte the file in the package, after checking it against the sha256 in the data card
(data/README.md, the figure's only home). A file that is already right is not touched. Standard library only; tfx is
found but not imported, which would take seconds.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

from data import checked_copy
from data.checked_copy import DataError

CARD = Path(__file__).with_name("README.md")
IN_PACKAGE = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")
FILE_NAME = "trips.csv"


def prepare(directory: Path) -> Path:
    """Makes sure that `<directory>/trips.csv` holds the trips, and returns `directory`.

    Raises:
        DataError: tfx is not installed, or its file is not the one in the data card.
        OSError: the directory cannot be written.
    """
    target = Path(directory) / FILE_NAME
    if not checked_copy.is_right(target, card_sha256()):
        otherwise = (
            "Install tfx again (it is damaged, or another release with other data; "
            "then review the data and write the new figures into the card)."
        )
        checked_copy.copy_checked(packaged_file(), target, card=CARD, otherwise=otherwise)
    return Path(directory)


def card_sha256() -> str:
    """Reads the sha256 of the rows from the data card.

    Raises:
        DataError: the card names none.
    """
    return checked_copy.card_sha256(CARD)


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
