"""Writes gzipped TFRecord files, a block of records at once."""

import os
import uuid
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from tfx.dsl.io import fileio

from components.tfrecord_format import frame, make_packer


class RecordFile:
    """One file. It is complete or absent: it gets its place when it is closed without an exception."""

    def __init__(self, path: str, scratch: str) -> None:
        """Begin a file.

        Args:
            path: of the complete file.
            scratch: folder for the file until then: a worker that is killed leaves it there, where no reader looks.
        """
        self._path = path
        self._unfinished = os.path.join(scratch, uuid.uuid4().hex)  # An engine may run an attempt beside another.
        self._packer = make_packer()

    def __enter__(self) -> Self:
        self._stream: Any = fileio.open(self._unfinished, "wb")
        return self

    def write(self, records: pa.Array) -> None:
        """Append records, binary [n] without nulls."""
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
