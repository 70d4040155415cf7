"""Assign rows to train or eval by the rules of `row_split`, a block of rows at a time."""

import hashlib

import numpy as np
import pyarrow as pa

from components.csv_example_gen.row_split import eval_buckets

_WORDS = 4  # 64-bit words in a SHA-256


def are_eval(records: pa.Array, shifts: np.ndarray | None, eval_share: float) -> np.ndarray:
    """Return which rows of a split by row are eval, bool [rows].

    Args:
        records: binary [rows], tf.Examples with deterministic serialization.
        shifts: result of `shift_copies` for these rows; None if there are no equal rows.
        eval_share: share of rows that are eval.
    """
    evals, total = eval_buckets(eval_share)
    digests = b"".join([hashlib.sha256(record).digest() for record in records.to_numpy(zero_copy_only=False)])
    words = np.frombuffer(digests, ">u8").reshape(-1, _WORDS).astype(np.uint64) % total
    bucket = np.zeros(len(words), np.uint64)
    for word in words.T:  # the SHA-256 as a whole number modulo `total`; the first word is the most significant
        bucket = (bucket * np.uint64(2**64 % total) + word) % total
    if shifts is not None:
        bucket = (bucket + shifts) % total
    return bucket >= total - evals


def shift_copies(copies: np.ndarray, eval_share: float) -> np.ndarray | None:
    """Return by how many buckets to move each row that has equal rows before it, uint16 [rows]; None if none has.

    Args:
        copies: number of equal rows before each row, int64 [rows].
        eval_share: share of rows that are eval.
    """
    evals, total = eval_buckets(eval_share)
    return (copies * evals % total).astype(np.uint16) if copies.any() else None
