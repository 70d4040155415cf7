"""Serialize blocks of rows as tf.Examples, with the bytes of `SerializeToString(deterministic=True)`.

tfx_bsl's RecordBatchToExamplesEncoder writes features in the order of a hash table, so that bytes vary, and writes an
empty feature for a missing value, which TFDV counts as present. Here a record is the concatenation of its features'
bytes, sorted by name; Arrow joins them. The format is that of protocol buffers
(https://protobuf.dev/programming-guides/encoding) for tensorflow/core/example/{example,feature}.proto.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.csv_example_gen.csv_values import CellKind

_DELIMITED = 2  # wire type of length-delimited fields
_LIST_FIELDS = {CellKind.BYTES: 1, CellKind.FLOAT: 2, CellKind.INT: 3}  # field numbers in message Feature
_VARINT_BYTES = 10  # most bytes of an int64, with seven bits in each


def serialize_rows(kinds: Mapping[str, CellKind], columns: Sequence[pa.Array]) -> pa.Array:
    """Return the serialized tf.Example of each row, binary [rows].

    Args:
        kinds: type of each column.
        columns: values of each column, [rows], as `column_arrays.convert_array` returns them. A null becomes an absent
            feature. An EMPTY column becomes features without a kind, so that statistics still have the column.
    """
    entries = [
        _make_entries(name, kind, column)
        for (name, kind), column in sorted(
            zip(kinds.items(), columns, strict=True), key=lambda pair: pair[0][0].encode()
        )
    ]
    features = _join(*entries)
    lengths = pc.binary_length(features).dictionary_encode()
    heads = pa.array([b"\x0a" + _varint(length) for length in lengths.dictionary.to_pylist()], pa.binary())
    return _join(heads.take(lengths.indices), features)


def _make_entries(name: str, kind: CellKind, column: pa.Array) -> pa.Array:
    """Return the bytes of a column's feature in each row, binary [rows], null if the feature is absent."""
    if kind is CellKind.EMPTY:
        return pa.array([_entry(name, b"")] * len(column), pa.binary())
    if kind is CellKind.FLOAT:
        return _float_entries(name, column)
    encoded = column if kind is CellKind.BYTES else column.dictionary_encode()
    if kind is CellKind.BYTES:
        different = pa.array([_entry(name, _value(kind, text)) for text in encoded.dictionary.to_pylist()], pa.binary())
    else:
        different = _integer_entries(name, encoded.dictionary.to_numpy())
    return different.take(encoded.indices)


def _float_entries(name: str, column: pa.Array) -> pa.Array:
    """Return the bytes of a FLOAT feature in each row, which all have the same length."""
    numbers = column.to_numpy(zero_copy_only=False).astype("<f4")  # a missing value is NaN here and null below
    entries = _entries_of_size(name, CellKind.FLOAT, numbers.view(np.uint8).reshape(-1, 4))
    return pc.if_else(column.is_valid(), entries, pa.scalar(None, pa.binary())) if column.null_count else entries


def _integer_entries(name: str, numbers: np.ndarray) -> pa.Array:
    """Return the bytes of an INT feature in each row; numbers are grouped by length, since lengths precede them."""
    payload, sizes = _varints(numbers)
    groups = [np.flatnonzero(sizes == size) for size in range(1, _VARINT_BYTES + 1)]
    entries = pa.concat_arrays(
        [_entries_of_size(name, CellKind.INT, payload[of_size, :size]) for size, of_size in enumerate(groups, start=1)]
    )
    return entries.take(pa.array(np.argsort(np.concatenate(groups))))


def _entries_of_size(name: str, kind: CellKind, payload: np.ndarray) -> pa.Array:
    """Return the bytes of a feature with values of equal length, binary [rows], from uint8 [rows, bytes per value]."""
    size = payload.shape[1]
    head = np.frombuffer(_entry(name, _value(kind, bytes(size)))[:-size], np.uint8)
    rows = np.empty((len(payload), len(head) + size), np.uint8)
    rows[:, : len(head)] = head
    rows[:, len(head) :] = payload
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)])
    return fixed.cast(pa.binary())


def _varints(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the varints of int64 [n], uint8 [n, 10], and how many of these bytes each uses, int64 [n]."""
    shifts = np.arange(0, 7 * _VARINT_BYTES, 7, dtype=np.uint64)
    sevens = (numbers.view(np.uint64)[:, None] >> shifts).astype(np.uint8) & 0x7F
    rest = numbers.view(np.uint64)[:, None] >> shifts[1:] != 0
    sizes = 1 + rest.sum(axis=1)
    sevens[:, :-1] |= rest.astype(np.uint8) << 7
    return sevens, sizes


def _join(*columns: pa.Array) -> pa.Array:
    separator = pa.scalar(b"", pa.binary())
    return pc.binary_join_element_wise(*columns, separator, null_handling="replace", null_replacement="")


def _entry(name: str, feature: bytes) -> bytes:
    """Return the bytes of an entry of the map Features.feature."""
    return _field(1, _field(1, name.encode()) + _field(2, feature))


def _value(kind: CellKind, payload: bytes) -> bytes:
    """Return the bytes of a Feature with one value."""
    return _field(_LIST_FIELDS[kind], _field(1, payload))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _DELIMITED]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
