"""Split CSV text into lines and cells: decoding, separators, quotes."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from serving.csv_text.separators import find_named_separator, find_separator

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SAMPLE_LINES = 100  # the lines that determine the separator


class CsvTextError(ValueError):
    """Text that cannot be divided into cells. The message names the line, not the file."""


def decode_lines(lines: Iterable[bytes], first_line: int = 1) -> Iterator[str]:
    """Yield lines as text, without the file's byte order mark.

    Args:
        lines: with their line ends.
        first_line: the number of the first line.

    Yields:
        The lines.

    Raises:
        CsvTextError: A line is not UTF-8, or holds a NUL byte.
    """
    for number, line in enumerate(lines, start=first_line):
        if number == 1 and line.startswith(BYTE_ORDER_MARK):
            line = line.removeprefix(BYTE_ORDER_MARK)  # Excel's `CSV UTF-8` begins with one
        if b"\0" in line:
            raise CsvTextError(
                f"line {number}, byte {line.index(0) + 1}: expected text in UTF-8, received a NUL byte. "
                "The file is damaged, or not UTF-8: export it again."
            )
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            raise CsvTextError(
                f"line {number}, byte {error.start + 1}: expected text in UTF-8, received the byte "
                f"0x{line[error.start]:02x}. {_guess_encoding(line, error.start)}"
            ) from None


def take_separator(sample: list[str]) -> str:
    """Find the separator. Blank the first line if it names the separator.

    Args:
        sample: the first SAMPLE_LINES lines of a file, or all lines of a shorter one; changed in place.

    Returns:
        The separator.

    Raises:
        ValueError: The first line names an unusable separator, or several separators fit.
    """
    if sample and (named := find_named_separator(sample[0])):
        sample[0] = "\n"  # a blank line is skipped, and the others keep their numbers
        return named
    return find_separator(sample, whole=len(sample) < SAMPLE_LINES)


def split_records(lines: Iterable[str], separator: str, first_line: int = 1) -> Iterator[tuple[int, int, list[str]]]:
    """Yield each record: the numbers of its first and last line, and its cells. Skip blank lines.

    Args:
        lines: of the file.
        separator: between cells.
        first_line: the number of the first line.

    Yields:
        First line, last line, cells.

    Raises:
        CsvTextError: The quotes are not balanced, or a cell is too long.
    """
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = reader.line_num + first_line
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            explained = _explain(error, reader.line_num + first_line - line)
            raise CsvTextError(f"line {line}: {explained} (the reader says: {error}).") from error
        if cells:
            yield line, reader.line_num + first_line - 1, cells


def describe_count(cells: Sequence[str], expected: int) -> str:
    """Describe a record whose number of cells differs from the header's, with the usual reason."""
    text = ",".join(cells)
    return (
        f"expected {expected} cells, as in the header, received {len(cells)}: {shorten(text)}. Put double quotes "
        "around a cell that contains the separator."
    )


def shorten(text: str, limit: int = 60) -> str:
    """Quote a cell for a message."""
    return repr(text) if len(text) <= limit else repr(text[: limit - 1] + "…")


def _explain(error: csv.Error, lines: int) -> str:
    """Explain why a record of so many lines cannot be read."""
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
        return f"a cell is longer than the limit of {limit}; shorten it, or leave the column out"
    if "expected after" in text:
        return "text follows a closing double quote; write a quote inside a cell twice"
    return "the line cannot be split into cells; expected lines that end in LF or CR LF"


def _guess_encoding(line: bytes, position: int) -> str:
    try:
        text = line[max(0, position - 10) : position + 10].decode("cp1252").strip()
    except UnicodeDecodeError:
        return "Save the file as UTF-8."
    return (
        f"In Windows-1252, which includes Latin-1, this reads {text!r}: if that is right, save the file as UTF-8, for "
        "example with `iconv -f WINDOWS-1252 -t UTF-8`."
    )
