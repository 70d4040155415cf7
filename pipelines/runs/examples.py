"""Read Examples artifacts as DataFrames."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.io import fileio
from tfx_bsl.coders import example_coder

from components import tfrecords
from components.artifact_files import list_files
from components.row_keys import find_places, make_row_keys, read_row_keys
from components.stacked_features import Parts, split_parts
from pipelines.runs.errors import RunError


def read_records(examples: Path | str, split: str, every: int = 1) -> list[bytes]:
    """Read the serialized tf.Examples of one split, in the order of the files and of the rows in them.

    Args:
        examples: the artifact's folder, on any file system.
        split: name of the split.
        every: 1 for all rows; n for the first of each n.

    Returns:
        The records.

    Raises:
        RunError: There is no such split, or its files were removed.
    """
    return tfrecords.read_records(_find_files(examples, split), every)


def read_record_chunks(examples: Path | str, split: str, every: int = 1) -> Iterator[list[bytes]]:
    """Read as `read_records` does, in chunks.

    Args:
        examples: the artifact's folder, on any file system.
        split: name of the split.
        every: 1 for all rows; n for the first of each n.

    Yields:
        Up to tfrecords.CHUNK_ROWS records at a time; an empty list if there is no row.

    Raises:
        RunError: There is no such split, or its files were removed.
    """
    held: list[bytes] = []
    read = 0
    for chunk in tfrecords.read_chunks(_find_files(examples, split)):
        held += chunk[-read % every :: every].tolist()
        read += len(chunk)
        if len(held) >= tfrecords.CHUNK_ROWS:
            yield held[: tfrecords.CHUNK_ROWS]
            held = held[tfrecords.CHUNK_ROWS :]
    if held or not read:
        yield held


def _find_files(examples: Path | str, split: str) -> list[str]:
    folder = os.path.join(examples, f"Split-{split}")
    files = list_files(folder)
    if not files:
        names = fileio.listdir(str(examples)) if fileio.isdir(str(examples)) else []
        known = sorted(name.rstrip("/").removeprefix("Split-") for name in names if name.startswith("Split-"))
        raise RunError(f"no rows in {folder}: expected a split that is one of {known}, received {split!r}")
    return files


def read_transformed(raw: Path, transformed: Path, split: str) -> list[bytes]:
    """Read the serialized transformed tf.Examples of one split, in the order of the raw ones.

    Args:
        raw: the folder of the raw Examples.
        transformed: the folder of the transformed Examples.
        split: name of the split.

    Returns:
        The transformed records.

    Raises:
        RunError: There is no such split, or its files were removed.
        PairingError: The transformed rows were made of other raw rows.
        ValueError: The transformed rows have no keys.
    """
    records = read_records(transformed, split)
    places = find_places(make_row_keys(read_records(raw, split)), read_row_keys(records))
    return [records[number] for number in np.argsort(places)]


def to_frame(records: list[bytes], schema: schema_pb2.Schema) -> pd.DataFrame:
    """Decode serialized tf.Examples to one row each, in their order.

    Args:
        records: the tf.Examples.
        schema: names the columns, in its order.

    Returns:
        INT is Int64 with NA for a missing value, FLOAT is float32 with NaN, BYTES is str with None. If some row has
        several values, the column has lists, and None.
    """
    first_rows = range(0, max(len(records), 1), tfrecords.CHUNK_ROWS)
    return join_batches([decode(records[row : row + tfrecords.CHUNK_ROWS], schema) for row in first_rows], schema)


def decode(records: list[bytes], schema: schema_pb2.Schema) -> pa.RecordBatch:
    """Decode a chunk of rows to a column of lists for each feature. The memory of a larger call would not be freed."""
    return example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString()).DecodeBatch(records)


def join_batches(batches: Sequence[pa.RecordBatch], schema: schema_pb2.Schema) -> pd.DataFrame:
    """Make the frame of `to_frame` from rows that were decoded in one or more chunks."""
    names = batches[0].schema.names
    columns = {name: pa.concat_arrays([batch.column(place) for batch in batches]) for place, name in enumerate(names)}
    return pd.DataFrame({feature.name: _column(columns[feature.name]) for feature in schema.feature})


def split_stacked(rows: pd.DataFrame, parts: Parts) -> pd.DataFrame:
    """Split stacked features of transformed rows into a column for each part, int64 or float32.

    Args:
        rows: as to_frame returns them.
        parts: stacked feature -> names of its columns.

    Returns:
        The rows with these columns instead of the stacked features.

    Raises:
        PartsError: A stacked feature does not have as many columns as names, or two features have the same name.
    """
    if not parts:
        return rows
    arrays = {name: _as_matrix(column) if name in parts else column.to_numpy() for name, column in rows.items()}
    found = {name: values.reshape(len(rows)) for name, values in split_parts(arrays, parts).items()}
    return pd.DataFrame(found, index=rows.index)


def _as_matrix(column: pd.Series) -> np.ndarray:
    """Return a column of lists, or of single values, as an array [rows, n]."""
    values = np.array(column.to_list()).reshape(len(column), -1)
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def use_numpy_integers(rows: pd.DataFrame) -> pd.DataFrame:
    """Convert Int64 columns without missing values to NumPy's int64, which more libraries accept."""
    whole = [name for name, dtype in rows.dtypes.items() if str(dtype) == "Int64" and not rows[name].isna().any()]
    return rows.astype(dict.fromkeys(whole, "int64"))


def _column(lists: pa.Array) -> Any:
    if pa.types.is_null(lists.type):  # a feature of unknown type without a value in any row
        return np.full(len(lists), None, dtype=object)
    offsets = np.asarray(lists.offsets)
    counts = np.diff(offsets)
    if lists.null_count:
        counts[np.asarray(lists.is_null())] = 0
    if (counts > 1).any():
        return pd.Series([_listed(cell) for cell in lists.to_pylist()], dtype=object)
    present, values = counts == 1, lists.flatten()
    if pa.types.is_integer(values.type):
        filled = np.zeros(len(lists), dtype=np.int64)
        filled[present] = values.to_numpy(zero_copy_only=False)
        return pd.arrays.IntegerArray(filled, ~present)
    if pa.types.is_floating(values.type):
        numbers = np.full(len(lists), np.nan, dtype=np.float32)
        numbers[present] = values.to_numpy(zero_copy_only=False)
        return numbers
    encoded = values.dictionary_encode()  # Each distinct value is decoded once, and its cells share the str.
    distinct = np.array([_text(value) for value in encoded.dictionary.to_pylist()], dtype=object)
    strings = np.full(len(lists), None, dtype=object)
    strings[present] = distinct[encoded.indices.to_numpy()]
    return strings


def _listed(cell: list[Any] | None) -> list[Any] | None:
    return [_text(value) for value in cell] if cell else None


def _text(value: Any) -> Any:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
