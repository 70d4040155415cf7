"""Open files, uncompress `.gz` files, and check that a file's format is that of its name."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from serving.csv_text import signatures

OpenFile = Callable[[str], IO[bytes]]
Content = IO[bytes] | gzip.GzipFile

PARQUET, GZIP = ".parquet", ".gz"  # endings of names, in upper or lower case


class SourceError(ValueError):
    """A source cannot be read. The message has the file, the line, and what was expected and received."""


def open_local(path: str) -> IO[bytes]:
    """Open a local file for reading bytes."""
    return Path(path).open("rb")


def is_parquet(file: str) -> bool:
    """Return whether a file's name is that of a Parquet file."""
    return file.lower().endswith(PARQUET)


def is_packed(file: str) -> bool:
    """Return whether a file's name is that of a file compressed with gzip."""
    return file.lower().endswith(GZIP)


@contextmanager
def open_content(file: str, open_file: OpenFile = open_local) -> Iterator[Content]:
    """Yield a stream of a file's bytes, uncompressed if it is a `.gz`, and close it when the block ends.

    Args:
        file: the file.
        open_file: function that opens the file for reading bytes.

    Yields:
        The stream.

    Raises:
        SourceError: The file cannot be opened or uncompressed, or its format is not that of its name.
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
    """Refuse a file whose first bytes are not those of the format with this ending; text has no ending."""
    expected = {GZIP: signatures.GZIP, PARQUET: signatures.PARQUET}.get(ending)
    if expected is not None:
        if not head.startswith(expected):
            raise SourceError(
                f"{file}: the name ends in {ending}, and the file holds something else. Expected {expected!r} as its "
                f"first bytes, received {head[:4]!r}. Rename it with the ending of its format."
            )
        return
    if fault := signatures.find_fault(head):
        raise SourceError(f"{file}: {fault}")
