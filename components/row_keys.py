"""The key of a row: by it, a transformed row finds the raw row that it was made of, wherever an engine wrote either.

Beam promises no order of rows, nor which file a row goes to. So what Transform writes of a row carries the key of the
raw row, as one more feature that is no part of the transform graph (components.keyed_transform).

A key is made of the row's content. It needs no room in the raw Examples, and an attempt that an engine repeats makes
the same one. Equal rows have equal keys: which of them a transformed row is paired with makes no difference.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

ROW_KEY = "__row_key__"  # feature of transformed tf.Examples, int64 [1]
_BYTES = 8  # two different rows of a million have one key with a probability of 3e-8; that refuses a model at worst


class PairingError(ValueError):
    """Transformed rows are not those of these raw rows: some were lost or doubled, or made of others."""


def make_row_keys(records: Iterable[bytes]) -> np.ndarray:
    """Makes the keys of serialized raw tf.Examples, int64 [rows]."""
    digests = b"".join([hashlib.blake2b(record, digest_size=_BYTES).digest() for record in records])
    return np.frombuffer(digests, "<i8").astype(np.int64)


def read_row_keys(records: Sequence[bytes]) -> np.ndarray:
    """Reads the keys of serialized transformed tf.Examples, int64 [rows].

    Raises:
        ValueError: A row has none.
    """
    feature = schema_pb2.Feature(name=ROW_KEY, type=schema_pb2.INT)
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema_pb2.Schema(feature=[feature]).SerializeToString())
    (column,) = decoder.DecodeBatch(list(records)).columns
    return _require_keys(column.flatten().to_numpy(zero_copy_only=False), len(records))


def take_row_keys(features: dict[str, np.ndarray]) -> np.ndarray:
    """Takes the keys, int64 [rows], out of decoded transformed rows: features, each [rows, n].

    Raises:
        ValueError: The rows have none.
    """
    keys = features.pop(ROW_KEY, np.zeros(0, np.int64))
    return _require_keys(keys.ravel(), len(next(iter(features.values()), keys)))


def _require_keys(keys: np.ndarray, rows: int) -> np.ndarray:
    if len(keys) != rows:
        raise ValueError(
            f"transformed rows: expected one value of {ROW_KEY} in each of {rows}, received {len(keys)}; run "
            "Transform again, which writes them (components.keyed_transform)."
        )
    return keys


def find_places(raw: np.ndarray, transformed: np.ndarray) -> np.ndarray:
    """Finds the raw row that each transformed row was made of.

    Args:
        raw: keys of the raw rows, int64 [rows].
        transformed: keys of the transformed rows.

    Returns:
        Numbers of the raw rows, int64 [rows]; equal rows in their order.

    Raises:
        PairingError: A raw row has no transformed one, or several, or a transformed row is of no raw row.
    """
    if np.array_equal(raw, transformed):
        return np.arange(len(raw))
    by_key, by_transformed_key = np.argsort(raw, kind="stable"), np.argsort(transformed, kind="stable")
    if not np.array_equal(raw[by_key], transformed[by_transformed_key]):
        raise PairingError(_describe_difference(raw, transformed))
    places = np.empty(len(raw), np.int64)
    places[by_transformed_key] = by_key
    return places


def _describe_difference(raw: np.ndarray, transformed: np.ndarray) -> str:
    """Says how many rows are lost and how many too many, and names the first of each."""
    distinct, numbers = np.unique(np.concatenate([raw, transformed]), return_inverse=True)
    wanted, found = numbers[: len(raw)], numbers[len(raw) :]
    lack = np.bincount(wanted, minlength=len(distinct)) - np.bincount(found, minlength=len(distinct))
    parts = [f"rows do not pair by their keys: {len(raw):,} raw, {len(transformed):,} transformed"]
    for what, missing, rows in ((("raw", "lacks"), lack, wanted), (("transformed", "has too many"), -lack, found)):
        if (count := int(missing.clip(0).sum())) > 0:
            side, verb = what
            row = int(np.argmax(missing[rows] > 0))
            key = int(distinct[rows[row]]) & 0xFFFFFFFFFFFFFFFF
            parts.append(f"Transform's output {verb} {count:,}, the first of them {side} row {row} with key {key:016x}")
    return "; ".join(parts) + ". Rows were lost or doubled on the way, or these are not the rows of that run: run again"
