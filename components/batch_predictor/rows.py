"""Read the rows of a shard as text, with their line numbers, a block at a time."""

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.batch_predictor.row_check import Refusal
from components.csv_example_gen.file_parts import Shard
from components.csv_example_gen.typed_blocks import CellBlock, read_cell_blocks

_CAREFUL_ROWS = 16384  # rows that are read one by one and then combined


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrittenRows:
    """Some rows of a file, not yet converted to values."""

    file: str  # name of the file, without the folder
    lines: np.ndarray  # int64 [rows]: the first line of each row; for Parquet, the number of the row, from 1
    cells: list[pa.Array]  # for each column of the header its cells, [rows], as `convert_array` takes them
    ragged: list[Refusal]  # rows with more or fewer cells than the header; they are not in `lines` and `cells`


def read_rows(shard: Shard, header: Sequence[str]) -> Iterator[WrittenRows]:
    """Yield the rows of a shard in their order.

    Raises:
        SourceError: A file cannot be divided into rows and cells: it is not UTF-8, or a quote is not closed.
    """
    for part in shard.parts:
        name = Path(part.file).name
        for block in read_cell_blocks(part, list(header)):
            if block.fast is not None:
                lines = _find_lines(block, len(block.fast[0]))
                yield WrittenRows(file=name, lines=lines, cells=block.fast, ragged=[])
            else:
                yield from _read_carefully(block, name, len(header))


def _find_lines(block: CellBlock, rows: int) -> np.ndarray:
    if block.lines in (None, rows):  # as many lines as rows, so each row has exactly one line
        return np.arange(block.first_line, block.first_line + rows)
    return np.fromiter((line for line, _ in block.records()), np.int64, count=rows)


def _read_carefully(block: CellBlock, name: str, columns: int) -> Iterator[WrittenRows]:
    records = block.records()
    while batch := list(itertools.islice(records, _CAREFUL_ROWS)):
        whole = [(line, cells) for line, cells in batch if len(cells) == columns]
        ragged = [
            Refusal(
                line=line,
                column="",
                cell="",
                reason=f"expected {columns} cells, as in the header, received {len(cells)}",
            )
            for line, cells in batch
            if len(cells) != columns
        ]
        by_column = zip(*(cells for _, cells in whole), strict=True) if whole else [()] * columns
        yield WrittenRows(
            file=name,
            lines=np.array([line for line, _ in whole], np.int64),
            cells=[pa.array([cell or None for cell in cells], pa.string()) for cells in by_column],
            ragged=ragged,
        )
