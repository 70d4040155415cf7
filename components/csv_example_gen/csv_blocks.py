"""Divide the rows of a CSV file into blocks of text that Arrow can parse.

A block ends at a line break outside quoted cells. To find these, quotes must be as in RFC 4180: a cell is quoted as a
whole or not at all. If a block has other quotes, as in `5" nails`, or text that Arrow reads differently from Python's
`csv`, the file is read line by line from there on.
"""

import dataclasses
import io
from collections.abc import Iterable, Iterator

import numpy as np

from components.csv_example_gen.csv_lines import find_layout, read_later_records
from components.csv_example_gen.file_contents import Content, OpenFile, open_content, open_local
from components.csv_example_gen.file_parts import FilePart
from serving.csv_text.lines import BYTE_ORDER_MARK

BLOCK_BYTES = 2 << 20  # bytes of text, for example 16,000 taxi trips; larger blocks are no faster and need more memory
_LONGEST = 4  # a row longer than so many blocks is read line by line, which finds a quote that is not closed
_QUOTE, _LINE_FEED, _CARRIAGE_RETURN = b'"\n\r'


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvBlock:
    """Some rows of a file as text."""

    part: FilePart
    separator: str
    text: bytes | None  # None: Arrow would read the text differently from Python's csv

    def records(self, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
        """Yield (first line, cells) of every row, read by Python's csv.

        Args:
            open_file: function that opens the file for reading bytes, used if there is no `text`.

        Yields:
            The number of the row's first line, and its cells.

        Raises:
            SourceError: The text is malformed.
        """
        if self.text is not None:
            yield from self._parse(io.BytesIO(self.text))
            return
        with open_content(self.part.file, open_file) as stream:
            stream.seek(self.part.begin)
            yield from self._parse(_limit(stream, self.part))

    def _parse(self, lines: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
        return read_later_records(self.part.file, lines, self.separator, self.part.first)


def read_csv_blocks(file: str, part: FilePart | None = None, open_file: OpenFile = open_local) -> Iterator[CsvBlock]:
    """Yield the rows of a file after its header, or those of a part of it, in blocks.

    Args:
        file: the file.
        part: part of the file; None: all rows.
        open_file: function that opens the file for reading bytes.

    Yields:
        The blocks, in the order of the rows.

    Raises:
        SourceError: The file cannot be opened or uncompressed, or its header is malformed.
    """
    layout = find_layout(file, open_file)
    begin, line = (part.begin, part.first) if part else (layout.begin, layout.first_line)
    left = None if part is None or part.end is None else part.end - begin
    with open_content(file, open_file) as stream:
        stream.seek(begin)
        for text, is_whole in _cut(stream, left):
            is_plain = is_whole and _is_plain(text, layout.separator)
            end = begin + len(text) if is_plain else part.end if part else None
            here = FilePart(file=file, begin=begin, end=end, first=line, size=len(text))
            yield CsvBlock(part=here, separator=layout.separator, text=text if is_plain else None)
            if not is_plain:
                return
            begin += len(text)
            line += text.count(b"\n")


def _limit(stream: Content, part: FilePart) -> Iterator[bytes]:
    """Yield the lines of a part, which ends at the end of a line."""
    place = part.begin
    for line in stream:
        if part.end is not None and place >= part.end:
            return
        yield line
        place += len(line)


def _cut(stream: Content, left: int | None) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks of text, each with whether it ends at the end of a row, provided that its quotes are plain.

    Args:
        stream: stream whose position is the beginning of a row.
        left: how many bytes to read; None: all.

    Yields:
        The text, and whether it ends at the end of a row. If not, the row is too long, and the block is the last.
    """
    text = b""
    while True:
        more = stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        left = None if left is None else left - len(more)
        text += more
        is_last = not more or left == 0
        end = len(text) if is_last else _find_end(text)
        if end:
            yield text[:end], True
            text = text[end:]
        elif len(text) > _LONGEST * BLOCK_BYTES:
            yield text, False
            return
        if is_last:
            return


def _find_end(text: bytes) -> int:
    """Return the index after the last line break outside quoted cells; 0 if there is none."""
    if b'"' not in text:
        return text.rfind(b"\n") + 1
    codes = np.frombuffer(text, np.uint8)
    breaks = np.flatnonzero(codes == _LINE_FEED)
    quotes_before = np.searchsorted(np.flatnonzero(codes == _QUOTE), breaks)
    ends = breaks[quotes_before % 2 == 0]
    return int(ends[-1]) + 1 if len(ends) else 0


def _is_plain(text: bytes, separator: str) -> bool:
    """Return whether Arrow and Python's csv read the same cells from a text, or both refuse it."""
    if text.startswith(BYTE_ORDER_MARK):  # Arrow skips it at the beginning of every block
        return False
    if not separator.isascii() or b"\0" in text or text.count(b"\r") != text.count(b"\r\n"):
        return False
    return b'"' not in text or _has_plain_quotes(np.frombuffer(text, np.uint8), ord(separator))


def _has_plain_quotes(codes: np.ndarray, separator: int) -> bool:
    """Return whether every quote opens a cell, closes one, or is one of a pair that means a quote in a quoted cell.

    Args:
        codes: the text, uint8 [bytes].
        separator: code of the separator.
    """
    places = np.flatnonzero(codes == _QUOTE)
    if len(places) % 2:
        return False
    opening, closing = places[::2], places[1::2]
    ends_cell = np.isin(np.append(codes, np.uint8(_LINE_FEED)), (separator, _LINE_FEED, _CARRIAGE_RETURN))
    opens = ends_cell[opening - 1]  # for the first byte this is index -1, the line feed that was appended
    closes = ends_cell[closing + 1]
    doubled = opening[1:] == closing[:-1] + 1
    return bool(
        np.all(opens[:1]) and np.all(opens[1:] | doubled) and np.all(closes[-1:]) and np.all(closes[:-1] | doubled)
    )
