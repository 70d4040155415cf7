"""Hold the columns of many rows in little memory: integers are narrowed, and columns of one type share a table.

The values of a row are next to each other in a table. Columns are read with the types that they had before.
"""

import dataclasses
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

HELD_BYTES = 1 << 30  # most bytes of tables in memory; larger tables are in a file that the system pages in and out

_NARROW = (np.int8, np.int16, np.int32)

Chunk = Mapping[str, np.ndarray]  # by column, each [rows of the chunk, n]


@dataclasses.dataclass(frozen=True)
class Place:
    """The position of a column in the tables."""

    table: int
    begin: int
    end: int
    dtype: np.dtype  # before narrowing

    @property
    def width(self) -> int:
        """Number of values in a row."""
        return self.end - self.begin


@dataclasses.dataclass(frozen=True)
class CompactColumns:
    """Columns of rows, in one table per type."""

    tables: tuple[np.ndarray, ...]  # each [rows, values of its type in a row]
    places: Mapping[str, Place]  # by column

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return a column of the given rows, [rows, n], with the type that it had before narrowing."""
        place = self.places[name]
        return self.tables[place.table][rows, place.begin : place.end].astype(place.dtype)

    def sort_keys(self) -> list[np.ndarray]:
        """Return views of all columns in their order, each with one value per row, as keys to sort by."""
        return [
            self.tables[one.table][:, number] for one in self.places.values() for number in range(one.begin, one.end)
        ]


def hold_columns(read: Callable[[], Iterable[Chunk]], held_bytes: int = HELD_BYTES) -> tuple[CompactColumns, int]:
    """Put the chunks of `read` into tables.

    Args:
        read: returns chunks of the same columns; called a second time if they take more than `held_bytes`.
        held_bytes: most bytes in memory. Larger tables are in a temporary file, except tables of strings.

    Returns:
        The columns, and the number of rows.
    """
    kept: list[Chunk] = []
    stored: dict[str, tuple[np.dtype, np.dtype, int]] = {}
    rows = size = 0
    for chunk in read():
        narrowed = {name: _narrow(values) for name, values in chunk.items()}
        for name, values in narrowed.items():
            before = stored[name][1] if name in stored else values.dtype
            stored[name] = chunk[name].dtype, np.promote_types(before, values.dtype), values.shape[1]
        rows += len(next(iter(narrowed.values())))
        size = rows * sum(narrow.itemsize * width for _, narrow, width in stored.values())
        if size <= held_bytes:
            kept.append(narrowed)
        else:
            kept.clear()
    columns = _allocate(stored, rows, in_file=size > held_bytes)
    _fill(columns, _drain(kept) if size <= held_bytes else read())
    return columns, rows


def _narrow(values: np.ndarray) -> np.ndarray:
    """Return integers in the narrowest type that holds them, and other values unchanged."""
    if values.dtype.kind != "i" or not values.size:
        return values
    low, high = values.min(), values.max()
    fitting = (dtype for dtype in _NARROW if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max)
    return values.astype(next(fitting, values.dtype))


def _allocate(stored: Mapping[str, tuple[np.dtype, np.dtype, int]], rows: int, *, in_file: bool) -> CompactColumns:
    widths: dict[np.dtype, int] = {}
    places = {}
    tables = list(dict.fromkeys(narrow for _, narrow, _ in stored.values()))
    for name, (dtype, narrow, width) in stored.items():
        begin = widths.get(narrow, 0)
        widths[narrow] = begin + width
        places[name] = Place(tables.index(narrow), begin, begin + width, dtype)
    make = _make_in_file if in_file else np.empty
    return CompactColumns(tuple(make((rows, widths[dtype]), dtype) for dtype in tables), places)


def _make_in_file(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Make a table in an unnamed file, which is removed with the table; strings stay in memory."""
    if dtype.hasobject:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # Not on macOS. Without it, a disk that fills up later kills the process.
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * dtype.itemsize)
        return np.memmap(file, dtype, "w+", shape=shape)


def _fill(columns: CompactColumns, chunks: Iterable[Chunk]) -> None:
    begin = 0
    for chunk in chunks:
        for name, values in chunk.items():
            place = columns.places[name]
            columns.tables[place.table][begin : begin + len(values), place.begin : place.end] = values
        begin += len(values)


def _drain(chunks: list[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks and drop each reference, so that its memory can be reused."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()
