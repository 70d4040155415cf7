"""Read rows as typed columns, a block of a file at a time, with Arrow if possible and else cell by cell.

Reading cell by cell (`careful_cells`) defines the values. It is used for each block that Arrow refuses or in which a
cell cannot be converted, and finds the values or raises an error with file, line and column.
"""

import csv
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from components.csv_example_gen.careful_cells import Batch, batch_records, convert_batch
from components.csv_example_gen.column_arrays import convert_array, map_different, to_array
from components.csv_example_gen.csv_blocks import CsvBlock, read_csv_blocks
from components.csv_example_gen.csv_values import CellKind
from components.csv_example_gen.file_contents import OpenFile, is_parquet, open_local
from components.csv_example_gen.file_parts import FilePart
from components.csv_example_gen.parquet_records import read_parquet_blocks
from components.csv_example_gen.reading_rules import ReadingRules
from serving.contract import dates

Records = Iterator[tuple[int, list[str]]]  # first line and cells of each row
Kinds = Mapping[str, CellKind | None]  # by column, in the header's order; None: cells are not converted


@dataclasses.dataclass(frozen=True, kw_only=True)
class TypedBlock:
    """Some rows of a file as typed columns."""

    part: FilePart
    rows: int
    columns: list[pa.Array]  # [rows] each, as `convert_array` returns them; for a column without a type, its cells


@dataclasses.dataclass(frozen=True, kw_only=True)
class CellBlock:
    """Some rows of a file as cells."""

    part: FilePart
    fast: list[pa.Array] | None  # [rows] each, as `convert_array` takes them; None: Arrow cannot read the cells
    first_line: int  # line of the first row; for Parquet, number of the row
    lines: int | None  # number of lines of the rows; None: as many as there are rows
    records: Callable[[], Records]  # reads the rows one by one

    def batches(self, header: Sequence[str]) -> Iterator[Batch]:
        """Return an iterator of the rows in batches of up to BATCH_ROWS.

        Raises:
            SourceError: On iteration: a row has more or fewer cells than the header.
        """
        return batch_records(self.part.file, header, self.records())


def read_typed(
    source: str | FilePart, kinds: Kinds, open_file: OpenFile = open_local, *, rules: ReadingRules
) -> Iterator[TypedBlock]:
    """Yield the rows of a file, or of a part of one, in their order.

    Args:
        source: the file or the part.
        kinds: columns and their types.
        open_file: function that opens the file for reading bytes.
        rules: the contract's rules.

    Yields:
        The rows in blocks.

    Raises:
        SourceError: The file is malformed, a row has more or fewer cells than `kinds` has columns, or a cell does not
            hold a value of its type.
    """
    for block in read_cell_blocks(source, list(kinds), open_file):
        fast = _convert_fast(block.fast, kinds, rules) if block.fast is not None else None
        if fast is not None:
            yield TypedBlock(part=block.part, rows=len(fast[0]), columns=fast)
            continue
        for batch in block.batches(list(kinds)):
            values = convert_batch(block.part.file, kinds, rules, batch)
            columns = [
                to_array(of_column, kind) if kind is not None else pa.array(of_column, pa.string())
                for kind, of_column in zip(kinds.values(), values, strict=True)
            ]
            yield TypedBlock(part=block.part, rows=len(batch[0]), columns=columns)


def read_cell_blocks(
    source: str | FilePart, header: list[str], open_file: OpenFile = open_local
) -> Iterator[CellBlock]:
    """Yield the cells of a file, or of a part of one, in the order of the rows.

    Args:
        source: the file or the part.
        header: names of the columns.
        open_file: function that opens the file for reading bytes.

    Yields:
        The rows in blocks.

    Raises:
        SourceError: The file cannot be opened, or its header or its Parquet is malformed. Other faults of CSV rows are
            found when `CellBlock.records` is read.
    """
    file, part = (source.file, source) if isinstance(source, FilePart) else (source, None)
    if is_parquet(file):
        for of_parquet in read_parquet_blocks(file, part, open_file):
            yield CellBlock(
                part=of_parquet.part,
                fast=of_parquet.cells(),
                first_line=of_parquet.first_row,
                lines=None,
                records=of_parquet.records,
            )
        return
    for of_csv in read_csv_blocks(file, part, open_file):
        yield CellBlock(
            part=of_csv.part,
            fast=_parse(of_csv, header),
            first_line=of_csv.part.first,
            lines=_count_lines(of_csv.text),
            records=partial(of_csv.records, open_file),
        )


def _count_lines(text: bytes | None) -> int:
    return 0 if text is None else text.count(b"\n") + (not text.endswith(b"\n"))


def _parse(block: CsvBlock, header: list[str]) -> list[pa.Array] | None:
    """Return the cells of a text by column; None if Arrow refuses it, or Python's csv may refuse it."""
    if not block.text:
        return None
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(block.text),
            # One chunk without threads: a block is small, and a worker has one core.
            read_options=pa_csv.ReadOptions(column_names=header, use_threads=False, block_size=len(block.text) + 1),
            parse_options=pa_csv.ParseOptions(delimiter=block.separator, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        return None
    if not table.num_rows:
        return None
    columns = [column.combine_chunks() for column in table.columns]
    cells = [column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns]
    return None if any(map(_has_long_cell, cells)) else cells


def _has_long_cell(cells: pa.Array) -> bool:
    """Return whether a cell may be longer than Python's csv allows; bytes are compared with its limit of characters."""
    limit = csv.field_size_limit()
    return cells.nbytes > limit and (pc.max(pc.binary_length(cells)).as_py() or 0) > limit


def _convert_fast(cells: list[pa.Array], kinds: Kinds, rules: ReadingRules) -> list[pa.Array] | None:
    """Return the values of all columns; None if a cell cannot be converted or a date is not in its format."""
    columns: list[pa.Array] = []
    for (name, kind), written in zip(kinds.items(), cells, strict=True):
        column = written if kind is None else convert_array(written, kind, rules.missing, rules.formats.get(name))
        if column is None or (kind is not None and name in rules.dates and not _are_dates(column, rules.dates[name])):
            return None
        columns.append(column)
    return columns


def _are_dates(values: pa.Array, written: str) -> bool:
    def is_date(value: bytes | int | float) -> bool:
        return dates.parse(value.decode() if isinstance(value, bytes) else str(value), written) is not None

    return bool(map_different(values.drop_null(), is_date, bool).all())
