"""Quarters of taxi trips in a folder, and faults planted in them."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from data import taxi

Rows = list[dict[str, str]]


def write_quarters(folder: Path, *quarters: str) -> None:
    """Writes the trips of the quarters that are named."""
    everything = folder.parent / f"{folder.name}-all"
    taxi.prepare_spans(everything)
    folder.mkdir(exist_ok=True)
    for quarter in quarters:
        name = f"trips-{quarter}.csv"
        (folder / name).write_bytes((everything / name).read_bytes())


def edit(folder: Path, quarter: str, change: Callable[[Rows], object]) -> None:
    """Changes the rows of a quarter; row 0 stands in line 2."""
    file = folder / f"trips-{quarter}.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    change(rows)
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
