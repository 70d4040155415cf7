"""Make as many taxi trips as a benchmark needs: the shipped ones, and varied copies of them.

    python -m benchmarks.varied_trips --rows 300040 --out /tmp/trips.csv

The first 15,002 rows are the shipped ones. In every further copy fare and miles are up to 3% more or less, drawn with a
seed, so that rows differ and quantiles, vocabularies and metrics stay much as they were.
"""

import argparse
import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data.taxi import packaged_file

SEED = 20130101
SHARE = 0.03  # largest relative change of a number
_VARIED = {"fare": 2, "trip_miles": 2}  # column -> decimals


def main() -> None:
    """Write the file; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    write_trips(options.out, options.rows)


def write_trips(path: Path, rows: int) -> None:
    """Write a CSV file of so many trips; the same ones each time.

    Args:
        path: the file.
        rows: the number of trips.

    Raises:
        ValueError: `rows` is less than 1.
        DataError: tfx is not installed, or lacks the shipped trips.
    """
    if rows < 1:
        raise ValueError(f"rows: expected 1 or more, received {rows}")
    with packaged_file().open(newline="") as source:
        header, *shipped = csv.reader(source)
    with path.open("w", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(itertools.islice(_vary(header, shipped), rows))


def _vary(header: list[str], shipped: list[list[str]]) -> Iterator[list[str]]:
    """Yield the shipped rows, and then varied copies of them endlessly."""
    yield from shipped
    random = np.random.default_rng(SEED)
    columns = {header.index(name): digits for name, digits in _VARIED.items()}
    while True:
        factors = random.uniform(1 - SHARE, 1 + SHARE, (len(shipped), len(columns))).tolist()
        for row, of_row in zip(shipped, factors, strict=True):
            varied = list(row)
            for (column, digits), factor in zip(columns.items(), of_row, strict=True):
                if row[column]:
                    varied[column] = f"{float(row[column]) * factor:.{digits}f}"
            yield varied


if __name__ == "__main__":
    main()
