"""Columns of many rows in few bytes: whole numbers in the narrowest type that holds them, one table for each type.

A row of a batch lies together in each table, and comes out with the types that the columns had.
"""

import dataclasses
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

HELD_BYTES = 1 << 30  # of tables, that are held in memory; larger ones are in a file that the system pages in and out

_NARROW = (np.int8, np.int16, np.int32)

Chunk = Mapping[str, np.ndarray]  # by column, each [rows of the chunk, n]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a column is."""

    table: int
    begin: int
    end: int
    dtype: np.dtype  # that it came with

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.end - self.begin


@dataclasses.dataclass(frozen=True)
class CompactColumns:
    """The columns of some rows."""

    tables: tuple[np.ndarray, ...]  # each [rows, numbers of its type in a row]
    places: Mapping[str, Place]  # by column

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Return a column of some rows, [rows, n], with the type that it came with."""
        place = self.places[name]
        return self.tables[place.table][rows, place.begin : place.end].astype(place.dtype)

    def sort_keys(self) -> list[np.ndarray]:
        """Return views of all columns, one number in a row each, in the order in which they came."""
        return [
            self.tables[one.table][:, number] for one in self.places.values() for number in range(one.begin, one.end)
        ]


def hold_columns(read: Callable[[], Iterable[Chunk]], held_bytes: int = HELD_BYTES) -> tuple[CompactColumns, int]:
    """Put the chunks that `read` gives into tables.

    Args:
        read: gives chunks of the same columns; called again where they take more than `held_bytes`.
        held_bytes: at most in memory. Beyond, the tables are in a temporary file, all but those of strings.

    Returns:
        The columns and how many rows they have.
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
    """Return whole numbers in the narrowest type that holds them; anything else as it is."""
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
    """Make a table in a file, which has no name and is gone with the table."""
    if dtype.hasobject:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        if hasattr(os, "posix_fallocate"):  # Not on macOS. A disk that gets full under a table kills the process.
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
    """Yield the chunks, and lets go of each: its memory is free for what follows."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()
