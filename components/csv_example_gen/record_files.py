"""Writes gzipped TFRecord files, a block of records at once.

The format: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details. TensorFlow's writer takes
records one by one, and Beam compresses harder: files a fifth smaller, in double the time.
"""

import os
import uuid
import zlib
from types import TracebackType
from typing import Any, Self

import google_crc32c
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tfx.dsl.io import fileio

_LEVEL = 1  # of zlib
_GZIP_HEADER = 16 + zlib.MAX_WBITS  # for zlib: a header without a time, so that equal records are equal files
_MASK = 0xA282EAD8


class RecordFile:
    """One file. It is complete or absent: it gets its place when it is closed without an exception."""

    def __init__(self, path: str, scratch: str) -> None:
        """Begins a file.

        Args:
            path: of the complete file.
            scratch: folder for the file until then: a worker that is killed leaves it there, where no reader looks.
        """
        self._path = path
        self._unfinished = os.path.join(scratch, uuid.uuid4().hex)  # An engine may run an attempt beside another.
        self._packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_HEADER)

    def __enter__(self) -> Self:
        self._stream: Any = fileio.open(self._unfinished, "wb")
        return self

    def write(self, records: pa.Array) -> None:
        """Appends records, binary [n] without nulls."""
        self._stream.write(self._packer.compress(memoryview(frame(records))))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._stream.write(self._packer.flush())
        self._stream.close()
        if kind is None:
            fileio.rename(self._unfinished, self._path, overwrite=True)
        elif fileio.exists(self._unfinished):  # TensorFlow makes a file when the first bytes come.
            fileio.remove(self._unfinished)


def frame(records: pa.Array) -> pa.Buffer | bytes:
    """Returns records, binary [n] without nulls, each as length, checksum of that, record, checksum of that."""
    if not len(records):
        return b""
    lengths = pc.binary_length(records).dictionary_encode()
    heads = [length.to_bytes(8, "little") for length in lengths.dictionary.to_pylist()]
    heads = pa.array([head + _mask(np.array([google_crc32c.value(head)])).tobytes() for head in heads], pa.binary())
    checksums = _mask(
        np.fromiter(map(google_crc32c.value, records.to_numpy(zero_copy_only=False)), np.uint32, count=len(records))
    )
    ends = pa.FixedSizeBinaryArray.from_buffers(pa.binary(4), len(records), [None, pa.py_buffer(checksums)])
    framed = pc.binary_join_element_wise(
        heads.take(lengths.indices), records, ends.cast(pa.binary()), pa.scalar(b"", pa.binary())
    )
    return framed.buffers()[2]


def _mask(checksums: np.ndarray) -> np.ndarray:
    """Masks CRC32Cs, uint32 [n]: rotated, and a constant added."""
    wide = checksums.astype(np.uint64)
    return ((wide >> 15 | wide << 17) + _MASK & 0xFFFFFFFF).astype("<u4")
