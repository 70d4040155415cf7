"""Bring transformed rows into the order of the raw rows that they were made of, by their keys (components.row_keys).

If there are several files, Beam runners may write Transform's rows in another order than the raw ones. If the order is
the same, the files are used as they are. Otherwise the rows are copied to the working folder in parts; only keys and
positions are held in memory for all rows, about 40 bytes a row.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.row_keys import find_places, make_row_keys
from components.skew_gate.batch_path import BatchPath
from components.tfrecords import CHUNK_ROWS, read_chunks

_MOST_PARTS = 128  # files that are open at once
_GZIP = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)


def pair_rows(raw_files: Sequence[str], batch_path: BatchPath, workdir: Path) -> BatchPath:
    """Find the transformed row of every raw row.

    Args:
        raw_files: gzipped TFRecord files of raw tf.Examples.
        batch_path: the rows after Transform, in any order.
        workdir: folder for reordered files.

    Returns:
        The batch path in the order of the raw rows.

    Raises:
        PairingError: A raw row has no transformed row or several, or a transformed row has no raw row.
        ValueError: A transformed row has no key.
    """
    keys = [make_row_keys(chunk.tolist()) for chunk in read_chunks(raw_files)]
    places = find_places(np.concatenate([np.zeros(0, np.int64), *keys]), batch_path.row_keys())
    if (np.diff(places) == 1).all():
        return batch_path
    return batch_path.with_files(_write_in_order(batch_path.files, places, workdir))


def _write_in_order(files: Sequence[str], places: np.ndarray, workdir: Path) -> list[str]:
    """Write rows in the order of their places, and return the files."""
    rows = max(CHUNK_ROWS, -(-len(places) // _MOST_PARTS))
    part_of = places // rows
    parts = [workdir / f"paired-{number:05d}" for number in range(part_of.max() + 1)]
    _scatter(files, part_of, parts)
    ordered = []
    for number, part in enumerate(parts):
        records = np.array(list(tf.data.TFRecordDataset(str(part)).as_numpy_iterator()), dtype=object)
        part.unlink()
        with tf.io.TFRecordWriter(f"{part}.gz", _GZIP) as writer:
            for record in records[np.argsort(places[part_of == number])]:
                writer.write(record)
        ordered.append(f"{part}.gz")
    return ordered


def _scatter(files: Sequence[str], part_of: np.ndarray, parts: Sequence[Path]) -> None:
    """Write each row to the part that it belongs to, without sorting."""
    writers = [tf.io.TFRecordWriter(str(part)) for part in parts]
    first = 0
    for chunk in read_chunks(files):
        for record, part in zip(chunk, part_of[first : first + len(chunk)].tolist(), strict=True):
            writers[part].write(record)
        first += len(chunk)
    for writer in writers:
        writer.close()
