"""Number equal rows over all files by a hash of each row's values.

`row_split` may put the n-th of equal rows on another side than the first, so a row's side depends on rows that other
workers read. Their hashes, 8 bytes per row, are collected while the files are checked.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.csv_example_gen.csv_values import CellKind

_WORD = np.dtype("<u8")


def hash_rows(kinds: Mapping[str, CellKind], columns: Sequence[pa.Array]) -> np.ndarray:
    """Return a hash of each row, uint64 [rows], equal for rows that become equal tf.Examples.

    The probability that two of n different rows have the same hash is n² / 2^65, 3% for a billion. If so, one of the
    two may be on another side than otherwise, the same side in every run.

    Args:
        kinds: type of each column.
        columns: values of each column, [rows], as `column_arrays.convert_array` returns them.
    """
    hashes = np.zeros(len(columns[0]), np.uint64)
    for place, (kind, column) in enumerate(zip(kinds.values(), columns, strict=True)):
        if kind is not CellKind.EMPTY:
            hashes += _mix(_words(kind, column) + _salt(f"value {place}"), column, place)
    return hashes


def number_copies(hashes: np.ndarray) -> np.ndarray:
    """Return the number of equal rows before each row, int64 [rows].

    Example:
        >>> number_copies(np.array([5, 9, 5, 5], np.uint64)).tolist()
        [0, 0, 1, 2]
    """
    order = np.argsort(hashes, kind="stable")
    in_order = hashes[order]
    begins = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    copies = np.empty(len(hashes), np.int64)
    copies[order] = np.arange(len(hashes)) - np.repeat(begins, np.diff(np.append(begins, len(hashes))))
    return copies


def _words(kind: CellKind, column: pa.Array) -> np.ndarray:
    """Return a word for each value, uint64 [rows]; that of a null is arbitrary."""
    if kind is CellKind.BYTES:
        different = [hashlib.blake2b(text, digest_size=8).digest() for text in column.dictionary.to_pylist()]
        words = np.frombuffer(b"".join([*different, bytes(8)]), _WORD)
        return words[column.indices.fill_null(len(different)).to_numpy()]
    if kind is CellKind.FLOAT:  # the bits that are stored, since 0.0 and -0.0 give different records
        return column.to_numpy(zero_copy_only=False).astype(np.float32).view(np.uint32).astype(np.uint64)
    return column.fill_null(0).to_numpy().view(np.uint64).copy()


def _mix(words: np.ndarray, column: pa.Array, place: int) -> np.ndarray:
    """Mix words, uint64 [rows], as SplitMix64 does (Steele, Lea and Flood, 2014); a null gets its column's own word."""
    mixed = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return (
        np.where(column.is_valid().to_numpy(zero_copy_only=False), mixed, _salt(f"gap {place}"))
        if column.null_count
        else mixed
    )


def _salt(of: str) -> np.uint64:
    return np.frombuffer(hashlib.blake2b(of.encode(), digest_size=8).digest(), _WORD)[0]
