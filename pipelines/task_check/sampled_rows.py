"""Read some rows of a file by the rules of the contract."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import find_files, read_columns
from components.csv_example_gen.csv_values import CellKind
from components.csv_example_gen.reading_rules import ReadingRules, check_header
from components.csv_example_gen.records import read_header
from pipelines.modeling.export import feature_spec
from serving.did_you_mean import closest

Cells = Mapping[str, object]  # a row: column -> cell, None if missing
_READ = 20_000  # rows of the first file, enough for the label to have more than one value
_Item = TypeVar("_Item")


class RowsError(ValueError):
    """There are no rows, or the rows do not fit the contract."""


def read_rows(data: Path, schema: schema_pb2.Schema) -> list[Cells]:
    """Return the first 20,000 rows of the first file.

    Args:
        data: a file or folder, as ExampleGen reads it.
        schema: the contract.

    Raises:
        SourceError: There is nothing to read, or a cell is malformed.
        RowsError: The file has no row, or a row lacks a value that the contract requires.
    """
    rules = ReadingRules.from_schema(schema)
    file = find_files(data)[0]
    header = read_header(file)
    check_header(file, header, rules.kinds)
    kinds = {name: rules.kinds.get(name, CellKind.BYTES) for name in header}
    batches = read_columns(file, kinds, rules=rules)
    cells = itertools.chain.from_iterable(zip(*batch, strict=True) for batch in batches)
    rows: list[Cells] = [dict(zip(kinds, found, strict=True)) for found in itertools.islice(cells, _READ)]
    if not rows:
        raise RowsError(f"{file}: expected rows below the header, received none; give a file that has some")
    for name, feature in feature_spec(schema).items():
        if isinstance(feature, tf.io.FixedLenFeature):
            _require_values(file, name, rows, header)
    return rows


def spread(items: Sequence[_Item], count: int) -> list[_Item]:
    """Return `count` of the items, evenly spread and with the first and the last; all if there are not more.

    Example:
        >>> spread("abcdefg", 3)
        ['a', 'd', 'g']
    """
    return [items[place] for place in np.linspace(0, len(items) - 1, min(count, len(items))).astype(int)]


def _require_values(file: str, name: str, rows: Sequence[Cells], header: Sequence[str]) -> None:
    if name not in header:
        close = closest(name, header)
        raise RowsError(
            f"{file}: expected a column {name!r}, which the contract requires, received none of that name"
            f"{f'; is it {close!r}?' if close else '.'} Name the columns as the contract does."
        )
    if lacking := sum(row[name] is None for row in rows):
        raise RowsError(
            f"{file}, column {name!r}: expected a value in every row, as the contract requires, received none in "
            f"{lacking:,} of {len(rows):,} rows; complete the rows, or let the column be missing in the contract"
        )
