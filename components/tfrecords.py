"""Read records from gzipped TFRecord files."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

CHUNK_ROWS = 8192  # rows read at once; reading row by row takes 20 times as long


def read_chunks(files: Sequence[str]) -> Iterator[np.ndarray]:
    """Yield arrays [up to CHUNK_ROWS] of serialized records, in the order of the files and of their records."""
    yield from disable_autotune(
        tf.data.TFRecordDataset(files, compression_type="GZIP").batch(CHUNK_ROWS)
    ).as_numpy_iterator()


def read_records(files: Sequence[str], every: int = 1) -> list[bytes]:
    """Return the records of the files: all, or the first of each `every` successive ones."""
    records: list[bytes] = []
    read = 0
    for chunk in read_chunks(files):
        records += chunk[-read % every :: every].tolist()
        read += len(chunk)
    return records


def disable_autotune(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return the dataset with tf.data's autotuning switched off.

    Rows that are read once or held in memory need no tuning. At the end of a dataset, TensorFlow waits for the tuning
    thread, which is not always woken: TensorFlow 2.16 then waits 5 s for the thread's own next check.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
