"""Convert columns of cells to Arrow arrays of values, with the results of `csv_values.convert` but a block at a time.

Cells that Arrow refuses, or may read differently, are converted by `convert` itself, each different cell once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.csv_example_gen.csv_values import CellError, CellKind, Value, convert, infer, is_number
from serving.csv_text.cells import FLOAT32_MAX
from serving.csv_text.number_formats import NumberFormat

_LARGEST_EXACT = 2.0**53  # up to here a double represents every whole number exactly
_TYPES = {
    CellKind.EMPTY: pa.null(),
    CellKind.INT: pa.int64(),
    CellKind.FLOAT: pa.float64(),
    CellKind.BYTES: pa.binary(),
}


def convert_array(
    cells: pa.Array, kind: CellKind, missing: frozenset[str] = frozenset(), written: NumberFormat | None = None
) -> pa.Array | None:
    """Return the values of a column's cells, or None if a cell does not hold a value of its type.

    Args:
        cells: string [rows], null for an empty cell; or the int64 or float64 [rows] of Parquet.
        kind: type of the column.
        missing: cells that mean "missing" in addition to blank ones, without spaces around them.
        written: format of the numbers; None: plain.

    Returns:
        null, int64, float64 or dictionary of binary [rows], for EMPTY, INT, FLOAT and BYTES; null for a missing value.
    """
    if kind in (CellKind.INT, CellKind.FLOAT) and written is None and not _hides_numbers(cells, missing):
        values = _cast(_without_missing(cells, missing), kind)
        if values is not None:
            return values
    return _convert_each_once(cells, kind, missing, written)


def infer_array(
    cells: pa.Array, at_least: CellKind, missing: frozenset[str] = frozenset(), written: NumberFormat | None = None
) -> CellKind:
    """Return the type that `csv_values.infer` returns, of cells [rows] as `convert_array` takes them."""
    if at_least is CellKind.BYTES:
        return at_least
    return infer(as_texts(cells.unique()), at_least, missing, written)


def to_array(values: Sequence[Value], kind: CellKind) -> pa.Array:
    """Return values, None for a missing one, as an array like that of `convert_array`."""
    array = pa.array(values, _TYPES[kind])
    return array.dictionary_encode() if kind is CellKind.BYTES else array


def as_texts(cells: pa.Array) -> list[str]:
    """Return the text of each cell as in a CSV file, empty for null."""
    return ["" if cell is None else cell if isinstance(cell, str) else repr(cell) for cell in cells.to_pylist()]


def count_each(values: pa.Array) -> tuple[list[Any], list[int]]:
    """Return the different values, None for a missing one, and how often each occurs."""
    counted = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    pairs = counted.value_counts()
    return pairs.field(0).to_pylist(), pairs.field(1).to_pylist()


def map_different(values: pa.Array, result: Callable[[Any], Any], dtype: type) -> np.ndarray:
    """Return the results of a function for each value, dtype [rows]; it is called once for each different value.

    Args:
        values: [rows], without nulls.
        result: the function.
        dtype: type of its results.
    """
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    of_each: np.ndarray = np.fromiter(map(result, encoded.dictionary.to_pylist()), dtype, count=len(encoded.dictionary))
    return of_each[encoded.indices.to_numpy()]


def _hides_numbers(cells: pa.Array, missing: frozenset[str]) -> bool:
    """Return whether numbers of Parquet may be spellings of "missing", such as -999."""
    return not pa.types.is_string(cells.type) and any(map(is_number, missing))


def _without_missing(cells: pa.Array, missing: frozenset[str]) -> pa.Array:
    """Return cells with null for those that are exactly a spelling of "missing"."""
    if not missing or not pa.types.is_string(cells.type):
        return cells
    spelled = pc.is_in(cells, value_set=pa.array(sorted(missing), pa.string()))
    return pc.if_else(spelled, pa.scalar(None, pa.string()), cells)


def _cast(cells: pa.Array, kind: CellKind) -> pa.Array | None:
    """Return the numbers in plain cells; None if a cell holds something else."""
    if kind is CellKind.INT and pa.types.is_string(cells.type) and _has_letter_x(cells):
        return None
    try:
        values = pc.cast(cells, _TYPES[kind])  # refuses spaces, plus signs, underscores, and `8.0` as INT
    except pa.ArrowInvalid:
        return None
    if kind is CellKind.INT:
        exact = not pa.types.is_floating(cells.type) or _is_within(
            values.cast(pa.float64(), safe=False), _LARGEST_EXACT
        )
        return values if exact else None
    return values if _is_within(values, FLOAT32_MAX) else None


def _is_within(values: pa.Array, limit: float) -> bool:
    """Return whether all numbers, float64 [rows], are finite and at most `limit` in size; NaN is not."""
    inside = np.count_nonzero(np.abs(values.to_numpy(zero_copy_only=False)) <= limit)
    return bool(inside == len(values) - values.null_count)


def _has_letter_x(cells: pa.Array) -> bool:
    """Return whether a cell may be hexadecimal, which Arrow reads as a whole number and `convert` does not."""
    buffer = cells.buffers()[2]
    return buffer is not None and bool(np.any(np.frombuffer(buffer, np.uint8) | 0x20 == ord("x")))


def _convert_each_once(
    cells: pa.Array, kind: CellKind, missing: frozenset[str], written: NumberFormat | None
) -> pa.Array | None:
    encoded = cells.dictionary_encode()
    try:
        values = convert(as_texts(encoded.dictionary), kind, missing, written)
    except CellError:
        return None
    different = pa.array(values, _TYPES[kind])
    if kind is not CellKind.BYTES:
        return different.take(encoded.indices)
    # A spelling of "missing" is null in the dictionary; move the null from the dictionary to the rows.
    present = [value for value in values if value is not None]
    is_present = np.array([*(value is not None for value in values), False])  # the last one is for null cells
    places = np.where(is_present, np.cumsum(is_present) - 1, 0).astype(np.int32)
    rows = encoded.indices.fill_null(len(values)).to_numpy()
    indices = pa.array(places[rows], mask=~is_present[rows])
    return pa.DictionaryArray.from_arrays(indices, pa.array(present, pa.binary()))
