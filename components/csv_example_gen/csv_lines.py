"""Lines and cells of a CSV file: decoding, quotes, the header."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_SEPARATORS = ";\t|"
INDEX_NAME = "Unnamed: 0"  # What pandas calls the column that its to_csv writes first, without a name.

OpenFile = Callable[[str], IO[bytes]]


class SourceError(ValueError):
    """A CSV source that cannot be read. The message names file, line, what was expected and what was received."""


def open_local(path: str) -> IO[bytes]:
    """Opens a file of this machine for reading bytes."""
    return Path(path).open("rb")


def records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yields (number of its first line, cells) of every record, the header included. Blank lines are skipped.

    Raises:
        SourceError: the file cannot be opened or decoded, or its quotes are not balanced.
    """
    try:
        stream = open_file(file)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror or error}.") from error
    with closing(stream):
        reader = csv.reader(_decode_lines(file, stream), strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise SourceError(f"{file}, line {line}: {_explain(error)} (the reader says: {error}).") from error
            if cells:
                yield line, cells


def read_header(file: str, open_file: OpenFile = open_local) -> list[str]:
    """Reads the column names of a file. A first one that is empty is INDEX_NAME.

    Raises:
        SourceError: no header, one with an empty or repeated name, or one with another separator than the comma.
    """
    _, names = next(records(file, open_file), (0, []))
    if not names:
        raise SourceError(f"{file}: the file is empty. Expected a header line with the column names.")
    if len(names) > 1 and not names[0].strip():
        names = [INDEX_NAME, *names[1:]]
    if len(names) == 1 and (separator := next((mark for mark in OTHER_SEPARATORS if mark in names[0]), None)):
        raise SourceError(
            f"{file}, line 1: expected columns separated by commas, received {separator!r} as the separator. "
            "Save the file with commas."
        )
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise SourceError(f"{file}, line 1: column {position} of {len(names)} has no name. Name it or remove it.")
        if names.index(name) != position - 1:
            raise SourceError(
                f"{file}, line 1: the column name `{name}` occurs more than once "
                f"(columns {names.index(name) + 1} and {position}). Rename or remove one of them."
            )
    return names


def _explain(error: csv.Error) -> str:
    text = str(error)
    if "end of data" in text or "field limit" in text:
        return "a double quote opens a cell and none closes it; close it, or write a quote inside a cell twice"
    if "expected after" in text:
        return "text follows a closing double quote; write a quote inside a cell twice"
    return "the line cannot be split into cells; expected lines that end in LF or CR LF"


def _decode_lines(file: str, stream: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(stream, start=1):
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            raise SourceError(
                f"{file}, line 1: the file starts with a byte order mark, which would become part of the first "
                "column's name. Expected UTF-8 without one: save the file as `UTF-8`, not as `UTF-8 with BOM`."
            )
        if b"\0" in line:
            raise SourceError(
                f"{file}, line {number}, byte {line.index(0) + 1}: expected text in UTF-8, received a NUL byte. "
                "The file is damaged, or not UTF-8: export it again."
            )
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{file}, line {number}, byte {error.start + 1}: expected text in UTF-8, received the byte "
                f"0x{line[error.start]:02x}. Save the file as UTF-8."
            ) from None
