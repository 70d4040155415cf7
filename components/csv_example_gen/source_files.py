"""Opens the files of a source, on whatever file system TFX can read."""

import io
from typing import IO, Any

from tfx.dsl.io import fileio

_READ_BYTES = 1 << 20  # at once


def open_source(path: str) -> IO[bytes]:
    """Open a file for reading bytes.

    Raises:
        OSError: It cannot be read.
    """
    return io.BufferedReader(_SourceFile(path), buffer_size=_READ_BYTES)


class _SourceFile(io.RawIOBase):
    """One file, byte for byte: read by lines, TensorFlow's own lose every carriage return. Arrow wants the rest."""

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
        room = memoryview(buffer)
        found = self._file.read(len(room))
        room[: len(found)] = found
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
