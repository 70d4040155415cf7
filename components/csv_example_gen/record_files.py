"""Write gzipped TFRecord files, a block of records at a time."""

import os
import uuid
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from tfx.dsl.io import fileio

from components.tfrecord_format import frame, make_packer


class RecordFile:
    """A file that is complete or absent: it is moved to its path when the block ends without an exception."""

    def __init__(self, path: str, scratch: str) -> None:
        """Store the file's path.

        Args:
            path: path of the complete file.
            scratch: folder for the unfinished file, which a killed worker leaves there.
        """
        self._path = path
        self._unfinished = os.path.join(scratch, uuid.uuid4().hex)  # random, since attempts may run at the same time
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
        elif fileio.exists(self._unfinished):  # TensorFlow creates the file only with the first bytes
            fileio.remove(self._unfinished)
