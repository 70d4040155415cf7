"""Opens a file as its name says that it is written, and says what a file is that holds something else."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from serving.csv_text import signatures

OpenFile = Callable[[str], IO[bytes]]
Content = IO[bytes] | gzip.GzipFile

PARQUET, GZIP = ".parquet", ".gz"  # how such a file's name ends, in whatever case


class SourceError(ValueError):
    """A source that cannot be read. The message names file, line, what was expected and what was received."""


def open_local(path: str) -> IO[bytes]:
    """Open a file of this machine for reading bytes."""
    return Path(path).open("rb")


def is_parquet(file: str) -> bool:
    """Tell whether a file is Parquet by its name."""
    return file.lower().endswith(PARQUET)


def is_packed(file: str) -> bool:
    """Tell whether a file is packed with gzip by its name."""
    return file.lower().endswith(GZIP)


@contextmanager
def open_content(file: str, open_file: OpenFile = open_local) -> Iterator[Content]:
    """Open a file for reading the bytes that it holds, those of a `.gz` unpacked, and closes it.

    Raises:
        SourceError: it cannot be opened or unpacked, or does not hold what its name says.
    """
    try:
        stream = open_file(file)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror or error}.") from error
    with closing(stream):
        _check_signature(file, _read_head(stream), GZIP if is_packed(file) else PARQUET if is_parquet(file) else "")
        if not is_packed(file):
            yield stream
            return
        try:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                _check_signature(file, _read_head(unpacked), "")
                yield unpacked
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise SourceError(f"{file}: cannot be unpacked: {error}. The file is damaged: copy it again.") from error


def _read_head(stream: Content) -> bytes:
    head = stream.read(signatures.HEAD_BYTES)
    stream.seek(0)
    return head


def _check_signature(file: str, head: bytes, ending: str) -> None:
    """Raise unless the first bytes are those of the format with this ending; text has none."""
    expected = {GZIP: signatures.GZIP, PARQUET: signatures.PARQUET}.get(ending)
    if expected is not None:
        if not head.startswith(expected):
            raise SourceError(
                f"{file}: the name ends in {ending}, and the file holds something else. Expected {expected!r} as its "
                f"first bytes, received {head[:4]!r}. Name it as what it is."
            )
        return
    if fault := signatures.find_fault(head):
        raise SourceError(f"{file}: {fault}")
