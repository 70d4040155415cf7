"""Prepare the taxi trips: 15,002 real rows that ship inside the installed tfx package, so no network is needed.

    python -m data.taxi --out var/data/taxi

This writes `<out>/trips.csv`, byte for byte the file in the package, after checking it against the sha256 in the data
card (data/README.md, the only place that has it). A file that is already right is not touched. Standard library only;
tfx is located without importing it, which would take seconds.

    python -m data.taxi --out var/data/taxi-spans --spans

This writes the same rows as 16 files, `<out>/trips-2013Q1.csv` to `<out>/trips-2016Q4.csv`: one span each, for
`python -m pipelines ingest`.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

from data import checked_copy, quarters
from data.checked_copy import DataError

CARD = Path(__file__).with_name("README.md")
IN_PACKAGE = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")
FILE_NAME = "trips.csv"
TIME = "trip_start_timestamp"  # the column that assigns a trip to a quarter
_OTHERWISE = (
    "Install tfx again if it is damaged. If it is another release with other data, review the data and write the new "
    "figures into the card."
)


def prepare(directory: Path) -> Path:
    """Make sure that `<directory>/trips.csv` holds the trips.

    Args:
        directory: the folder; it is created.

    Returns:
        The same folder.

    Raises:
        DataError: tfx is not installed, or its file is not the one in the data card.
        OSError: The directory cannot be written.
    """
    target = Path(directory) / FILE_NAME
    if not checked_copy.is_right(target, card_sha256()):
        checked_copy.copy_checked(packaged_file(), target, card=CARD, otherwise=_OTHERWISE)
    return Path(directory)


def prepare_spans(directory: Path) -> dict[Path, int]:
    """Make sure that `directory` holds a file with the trips of each quarter.

    Args:
        directory: the folder; it is created.

    Returns:
        The number of rows by file, in order of time.

    Raises:
        DataError: tfx is not installed, or its file is not the one in the data card.
        OSError: The directory cannot be written.
    """
    source = packaged_file()
    content = source.read_bytes()
    checked_copy.check_content(source, content, card=CARD, otherwise=_OTHERWISE)
    rows = {}
    for quarter, lines in quarters.split_by_quarter(content, TIME).items():
        target = Path(directory) / f"trips-{quarter}.csv"
        part = b"".join(lines)
        if not target.is_file() or target.read_bytes() != part:
            target.parent.mkdir(parents=True, exist_ok=True)
            checked_copy.write_replacing(target, part)
        rows[target] = len(lines) - 1
    return rows


def card_sha256() -> str:
    """Read the sha256 of the rows from the data card.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: The card has no sha256.
    """
    return checked_copy.card_sha256(CARD)


def packaged_file() -> Path:
    """Find the trips inside the installed tfx package, without importing it.

    Returns:
        The file.

    Raises:
        DataError: tfx is not installed, or lacks the file.
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
    """Run the command; return 0, or 1 after a message when the rows cannot be prepared."""
    parser = argparse.ArgumentParser(prog="python -m data.taxi", description="Prepare the Chicago taxi trips.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for trips.csv, or for the spans")
    parser.add_argument("--spans", action="store_true", help="write a file for each quarter instead of one for all")
    options = parser.parse_args(arguments)
    try:
        if options.spans:
            written = prepare_spans(options.out)
            print(f"{options.out}: {len(written)} quarters, {sum(written.values()):,} trips, as in data/README.md")
            return 0
        file = prepare(options.out) / FILE_NAME
    except (DataError, OSError) as error:
        print(f"data.taxi: {error}", file=sys.stderr)
        return 1
    rows = file.read_bytes().count(b"\n") - 1
    print(f"{file}: {rows:,} trips, sha256 as in data/README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
