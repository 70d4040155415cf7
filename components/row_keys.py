"""Make and compare row keys, which pair each transformed row with the raw row that it was made of.

Beam keeps no order of rows and may write a row to any file. So each transformed row carries the key of its raw row, as
a feature that is not in the transform graph (components.keyed_transform).

A key is a hash of the row's content. So the raw Examples need not store it, and a repeated attempt makes the same one.
Equal rows have equal keys; it makes no difference which of them a transformed row is paired with.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

ROW_KEY = "__row_key__"  # feature of transformed tf.Examples, int64 [1]
_BYTES = 8  # in a million rows, two different ones share a key with probability 3e-8; at worst a good model is refused


class PairingError(ValueError):
    """Transformed rows do not match the raw rows: rows were lost or duplicated, or were made of other raw rows."""


def make_row_keys(records: Iterable[bytes]) -> np.ndarray:
    """Return the keys of serialized raw tf.Examples, int64 [rows]."""
    digests = b"".join([hashlib.blake2b(record, digest_size=_BYTES).digest() for record in records])
    return np.frombuffer(digests, "<i8").astype(np.int64)


def read_row_keys(records: Sequence[bytes]) -> np.ndarray:
    """Return the keys of serialized transformed tf.Examples, int64 [rows].

    Raises:
        ValueError: A row has no key.
    """
    feature = schema_pb2.Feature(name=ROW_KEY, type=schema_pb2.INT)
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema_pb2.Schema(feature=[feature]).SerializeToString())
    (column,) = decoder.DecodeBatch(list(records)).columns
    return _require_keys(column.flatten().to_numpy(zero_copy_only=False), len(records))


def take_row_keys(features: dict[str, np.ndarray]) -> np.ndarray:
    """Remove the keys from decoded transformed rows and return them.

    Args:
        features: the rows, each feature [rows, n]; ROW_KEY is removed.

    Returns:
        The keys, int64 [rows].

    Raises:
        ValueError: The rows have no keys.
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
    """Find the raw row that each transformed row was made of.

    Args:
        raw: keys of the raw rows, int64 [rows].
        transformed: keys of the transformed rows, int64 [rows].

    Returns:
        For each transformed row the number of its raw row, int64 [rows]; equal rows are paired in their order.

    Raises:
        PairingError: A raw row has no transformed row or several, or a transformed row has no raw row.

    Example:
        >>> find_places(np.array([5, 7, 9]), np.array([9, 5, 7])).tolist()
        [2, 0, 1]
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
    """Return a message with the numbers of lost and of surplus rows, and with the first of each."""
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
    return "; ".join(parts) + ". Rows were lost or duplicated, or these are not the rows of that run: run again"
