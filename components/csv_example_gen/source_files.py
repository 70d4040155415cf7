"""Open the files of a source on any file system that TFX can read."""

import io
from typing import IO, Any

from tfx.dsl.io import fileio

_READ_BYTES = 1 << 20  # bytes read at once


def open_source(path: str) -> IO[bytes]:
    """Return a stream for reading the bytes of a file.

    Raises:
        OSError: The file cannot be read.
    """
    return io.BufferedReader(_SourceFile(path), buffer_size=_READ_BYTES)


class _SourceFile(io.RawIOBase):
    """A raw stream of a file, for lines with their carriage returns, which TensorFlow's streams drop, and for Arrow."""

    def __init__(self, path: str) -> None:
        self._file = fileio.open(path, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        self._file.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any, /) -> int:
        target = memoryview(buffer)
        found = self._file.read(len(target))
        target[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
