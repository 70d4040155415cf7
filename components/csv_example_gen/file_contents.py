"""Opens a file as its name says that it is written, and says what a file is that holds something else."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

OpenFile = Callable[[str], IO[bytes]]
Content = IO[bytes] | gzip.GzipFile

PARQUET, GZIP = ".parquet", ".gz"  # how such a file's name ends, in whatever case
_HEAD = 1 << 16  # bytes: enough to see how a file's lines end
_FEW = 256  # bytes: of text in UTF-16 without a mark every other one is 0, in most languages
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_SAVE_AS_CSV = "In the spreadsheet choose `Save as`, `CSV UTF-8`"
_RECODE = "Save it as UTF-8, such as with `iconv -f UTF-16 -t UTF-8`"

# First bytes, as file(1) knows them; what begins so; what to do.
_SIGNATURES = (
    (_GZIP, "gzip data", "Name it .csv.gz, or unpack it"),
    (_PARQUET, "a Parquet file", f"Name it {PARQUET}"),
    (b"PK\x03\x04", "a ZIP archive, which is what an Excel workbook (.xlsx) is, too", f"{_SAVE_AS_CSV}, or unpack it"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", _SAVE_AS_CSV),
    (b"\xff\xfe", "text in UTF-16", _RECODE),
    (b"\xfe\xff", "text in UTF-16", _RECODE),
    (b"BZh", "bzip2 data", "Unpack it"),
    (b"\xfd7zXZ", "xz data", "Unpack it"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "Unpack it"),
)


class SourceError(ValueError):
    """A source that cannot be read. The message names file, line, what was expected and what was received."""


def open_local(path: str) -> IO[bytes]:
    """Opens a file of this machine for reading bytes."""
    return Path(path).open("rb")


def is_parquet(file: str) -> bool:
    """Tells whether a file is Parquet by its name."""
    return file.lower().endswith(PARQUET)


def is_packed(file: str) -> bool:
    """Tells whether a file is packed with gzip by its name."""
    return file.lower().endswith(GZIP)


@contextmanager
def open_content(file: str, open_file: OpenFile = open_local) -> Iterator[Content]:
    """Opens a file for reading the bytes that it holds, those of a `.gz` unpacked, and closes it.

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
    head = stream.read(_HEAD)
    stream.seek(0)
    return head


def _check_signature(file: str, head: bytes, ending: str) -> None:
    """Raises unless the first bytes are those of the format with this ending; text has none."""
    expected = {GZIP: _GZIP, PARQUET: _PARQUET}.get(ending)
    if expected is not None:
        if not head.startswith(expected):
            raise SourceError(
                f"{file}: the name ends in {ending}, and the file holds something else. Expected {expected!r} as its "
                f"first bytes, received {head[:4]!r}. Name it as what it is."
            )
        return
    for first, what, remedy in _SIGNATURES:
        if head.startswith(first):
            raise SourceError(f"{file}: expected text in UTF-8, received {what}. {remedy}.")
    if head[:_FEW].count(0) * 4 > len(head[:_FEW]):
        raise SourceError(f"{file}: expected text in UTF-8, received text in UTF-16. {_RECODE}.")
    if b"\r" in head and b"\n" not in head:
        raise SourceError(
            f"{file}: the lines end in CR alone, as old Macintosh programs write them. Expected LF or CR LF. Save it "
            "anew, or `tr '\\r' '\\n'` it into another file."
        )
