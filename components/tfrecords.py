"""Rows from files, as tf.data reads them."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

CHUNK_ROWS = 8192  # read together: one by one takes 20 times as long


def read_chunks(files: Sequence[str]) -> Iterator[np.ndarray]:
    """Records of gzipped TFRecord files, [up to CHUNK_ROWS] bytes each, in the order of the files and within them."""
    yield from untuned(tf.data.TFRecordDataset(files, compression_type="GZIP").batch(CHUNK_ROWS)).as_numpy_iterator()


def read_records(files: Sequence[str]) -> list[bytes]:
    """All of them, one by one."""
    return [record for chunk in read_chunks(files) for record in chunk]


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same rows, without the thread that tunes how they are read.

    There is nothing to tune in rows read once or held in memory, and the end of the dataset waits for that thread,
    which is not always woken: TensorFlow 2.16 then waits 5 s, until the thread looks by itself.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
