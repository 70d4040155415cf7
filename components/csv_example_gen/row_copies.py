"""Numbers equal rows, over all files, without writing them: each is told by a hash of its values.

`row_split` splits the n-th of equal rows otherwise than the first, so a row's side depends on rows that another worker
reads. What that takes, 8 bytes a row, is collected while the files are checked.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from components.csv_example_gen.csv_values import CellKind

_WORD = np.dtype("<u8")


def hash_rows(kinds: Mapping[str, CellKind], columns: Sequence[pa.Array]) -> np.ndarray:
    """Return a hash of each row, uint64 [rows]: equal for rows that become equal tf.Examples.

    Of n different rows two have the same by chance with n² / 2^65: of a billion, 3 in 100. One of those two may then
    change its side, always in the same way.

    Args:
        kinds: type of each column.
        columns: [rows] each, as `column_arrays.convert_array` gives them.
    """
    hashes = np.zeros(len(columns[0]), np.uint64)
    for place, (kind, column) in enumerate(zip(kinds.values(), columns, strict=True)):
        if kind is not CellKind.EMPTY:
            hashes += _mix(_words(kind, column) + _salt(f"value {place}"), column, place)
    return hashes


def number_copies(hashes: np.ndarray) -> np.ndarray:
    """Return how many equal rows stand before each, int64 [rows]."""
    order = np.argsort(hashes, kind="stable")
    in_order = hashes[order]
    begins = np.flatnonzero(np.append(True, in_order[1:] != in_order[:-1]))
    copies = np.empty(len(hashes), np.int64)
    copies[order] = np.arange(len(hashes)) - np.repeat(begins, np.diff(np.append(begins, len(hashes))))
    return copies


def _words(kind: CellKind, column: pa.Array) -> np.ndarray:
    """Return a word of each value, uint64 [rows]; whatever for a null."""
    if kind is CellKind.BYTES:
        different = [hashlib.blake2b(text, digest_size=8).digest() for text in column.dictionary.to_pylist()]
        words = np.frombuffer(b"".join([*different, bytes(8)]), _WORD)
        return words[column.indices.fill_null(len(different)).to_numpy()]
    if kind is CellKind.FLOAT:  # By its bits, as it is stored: 0.0 and -0.0 are different records.
        return column.to_numpy(zero_copy_only=False).astype(np.float32).view(np.uint32).astype(np.uint64)
    return column.fill_null(0).to_numpy().view(np.uint64).copy()


def _mix(words: np.ndarray, column: pa.Array, place: int) -> np.ndarray:
    """Mixe words, uint64 [rows], as SplitMix64 does (Steele, Lea and Flood, 2014); a gap has a word of its own."""
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
