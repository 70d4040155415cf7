"""Reads rows from gzipped TFRecord files."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

CHUNK_ROWS = 8192  # read together: reading row by row takes 20 times as long


def read_chunks(files: Sequence[str]) -> Iterator[np.ndarray]:
    """Yields arrays [up to CHUNK_ROWS] of serialized records, in the order of the files and within them."""
    yield from disable_autotune(
        tf.data.TFRecordDataset(files, compression_type="GZIP").batch(CHUNK_ROWS)
    ).as_numpy_iterator()


def read_records(files: Sequence[str]) -> list[bytes]:
    """Reads all records of the files."""
    return [record for chunk in read_chunks(files) for record in chunk]


def disable_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the dataset without tf.data's tuning thread.

    There is nothing to tune in rows that are read once or held in memory. The end of the dataset waits for that thread,
    which is not always woken: TensorFlow 2.16 then waits 5 s, until the thread looks by itself.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
