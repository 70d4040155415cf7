"""Lines and cells of a CSV file: decoding, separators, quotes."""

import csv
import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from components.csv_example_gen.file_contents import OpenFile, SourceError, open_content, open_local
from components.csv_example_gen.separators import find_named_separator, find_separator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SAMPLE_LINES = 100  # by which the separator is told


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvLayout:
    """How a file is written, and where its rows begin."""

    separator: str
    begin: int  # byte at which the line after the header begins, of the unpacked text
    first_line: int  # its number


def find_layout(file: str, open_file: OpenFile = open_local) -> CsvLayout:
    """Finds the separator and the end of the header.

    Raises:
        SourceError: as `read_csv_records`, for the first lines.
    """
    with open_content(file, open_file) as stream:
        raw: list[bytes] = []
        lines = _decode_lines(file, _keep(stream, raw))
        sample = list(itertools.islice(lines, _SAMPLE_LINES))
        separator = _find_separator(file, sample)
        records = _parse(file, itertools.chain(sample, lines), separator)
        header_ends = next((end for _, end, _ in records), len(raw))
        return CsvLayout(separator=separator, begin=sum(map(len, raw[:header_ends])), first_line=header_ends + 1)


def read_csv_records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yields (number of its first line, cells) of every record, the header included. Blank lines are skipped.

    Raises:
        SourceError: the file cannot be opened or decoded, its quotes are not balanced, or several separators fit.
    """
    with open_content(file, open_file) as stream:
        lines = _decode_lines(file, stream)
        sample = list(itertools.islice(lines, _SAMPLE_LINES))
        separator = _find_separator(file, sample)
        for line, _, cells in _parse(file, itertools.chain(sample, lines), separator):
            yield line, cells


def read_later_records(
    file: str, stream: Iterable[bytes], separator: str, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Yields what `read_csv_records` does of lines that stand after the header, the first of which has this number.

    Raises:
        SourceError: A line cannot be decoded, or its quotes are not balanced.
    """
    lines = _decode_lines(file, stream, first_line)
    for line, _, cells in _parse(file, lines, separator, first_line):
        yield line, cells


def _parse(
    file: str, lines: Iterable[str], separator: str, first_line: int = 1
) -> Iterator[tuple[int, int, list[str]]]:
    """Yields (number of its first line, of its last line, cells) of every record."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + first_line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            explained = _explain(error, reader.line_num + first_line - line)
            raise SourceError(f"{file}, line {line}: {explained} (the reader says: {error}).") from error
        if cells:
            yield line, reader.line_num + first_line - 1, cells


def _keep(lines: Iterable[bytes], kept: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        kept.append(line)
        yield line


def _find_separator(file: str, sample: list[str]) -> str:
    """Finds the separator; blanks a first line that names it."""
    try:
        if sample and (named := find_named_separator(sample[0])):
            sample[0] = "\n"  # A blank line is skipped, and the others keep their numbers.
            return named
        return find_separator(sample, whole=len(sample) < _SAMPLE_LINES)
    except ValueError as error:
        raise SourceError(f"{file}: {error}") from None


def _explain(error: csv.Error, lines: int) -> str:
    """Says what is wrong with a record that takes up so many lines."""
    text = str(error)
    limit = f"{csv.field_size_limit():,} characters"
    if "end of data" in text:
        return "a double quote opens a cell and none closes it; close it, or write a quote inside a cell twice"
    if "field limit" in text and lines > 1:
        return (
            f"a double quote opens a cell and none closes it within {limit}; close it, or write a quote inside a cell "
            "twice; if the text is meant to be that long, shorten it"
        )
    if "field limit" in text:
        return f"a cell is longer than the {limit} that one may hold; shorten it, or leave the column out"
    if "expected after" in text:
        return "text follows a closing double quote; write a quote inside a cell twice"
    return "the line cannot be split into cells; expected lines that end in LF or CR LF"


def _decode_lines(file: str, stream: Iterable[bytes], first_line: int = 1) -> Iterator[str]:
    for number, line in enumerate(stream, start=first_line):
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            line = line.removeprefix(BYTE_ORDER_MARK)  # Every `CSV UTF-8` of Excel begins with one.
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
                f"0x{line[error.start]:02x}. {_guess_encoding(line, error.start)}"
            ) from None


def _guess_encoding(line: bytes, position: int) -> str:
    try:
        text = line[max(0, position - 10) : position + 10].decode("cp1252").strip()
    except UnicodeDecodeError:
        return "Save the file as UTF-8."
    return (
        f"In Windows-1252, of which Latin-1 is a part, this reads {text!r}: if that is right, save the file as UTF-8, "
        "such as with `iconv -f WINDOWS-1252 -t UTF-8`."
    )
