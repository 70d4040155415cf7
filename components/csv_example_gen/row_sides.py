"""Tells the sides of rows, a block at once, by the rules of `row_split`."""

import hashlib

import numpy as np
import pyarrow as pa

from components.csv_example_gen.row_split import eval_buckets

_WORDS = 4  # of 64 bits in a SHA-256


def are_eval(records: pa.Array, shifts: np.ndarray | None, eval_share: float) -> np.ndarray:
    """Tell which rows of a split by row are eval.

    Args:
        records: binary [rows], serialized tf.Examples, deterministic.
        shifts: [rows], what `shift_copies` gives; None where no row has an equal one.
        eval_share: of the rows.

    Returns:
        bool [rows].
    """
    evals, total = eval_buckets(eval_share)
    digests = b"".join([hashlib.sha256(record).digest() for record in records.to_numpy(zero_copy_only=False)])
    words = np.frombuffer(digests, ">u8").reshape(-1, _WORDS).astype(np.uint64) % total
    bucket = np.zeros(len(words), np.uint64)
    for word in words.T:  # The whole number modulo `total`, the first word the highest.
        bucket = (bucket * np.uint64(2**64 % total) + word) % total
    if shifts is not None:
        bucket = (bucket + shifts) % total
    return bucket >= total - evals


def shift_copies(copies: np.ndarray, eval_share: float) -> np.ndarray | None:
    """Return by how many buckets rows are moved that have equal ones before them: uint16 [rows]; None if none has.

    Args:
        copies: int64 [rows], how many equal rows stand before each.
        eval_share: of the rows.
    """
    evals, total = eval_buckets(eval_share)
    return (copies * evals % total).astype(np.uint16) if copies.any() else None
