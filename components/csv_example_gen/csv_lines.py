"""Read the lines and cells of a CSV file."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator

from components.csv_example_gen.file_contents import OpenFile, SourceError, open_content, open_local
from serving.csv_text.lines import SAMPLE_LINES, CsvTextError, decode_lines, split_records, take_separator


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvLayout:
    """The separator of a CSV file, and where its rows begin."""

    separator: str
    begin: int  # byte of the uncompressed text at which the line after the header begins
    first_line: int  # number of that line


def find_layout(file: str, open_file: OpenFile = open_local) -> CsvLayout:
    """Return the separator and the end of the header, from the first lines of a file.

    Raises:
        SourceError: The file cannot be opened, the first lines cannot be decoded, their quotes are not balanced, or
            several separators fit.
    """
    with open_content(file, open_file) as stream:
        raw: list[bytes] = []
        lines = _decode_lines(file, _keep(stream, raw))
        sample = list(itertools.islice(lines, SAMPLE_LINES))
        separator = _find_separator(file, sample)
        records = _parse(file, itertools.chain(sample, lines), separator)
        header_ends = next((end for _, end, _ in records), len(raw))
        return CsvLayout(separator=separator, begin=sum(map(len, raw[:header_ends])), first_line=header_ends + 1)


def read_csv_records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of every record, the header included; blank lines are skipped.

    Yields:
        The number of the record's first line, and its cells.

    Raises:
        SourceError: The file cannot be opened or decoded, its quotes are not balanced, or several separators fit.
    """
    with open_content(file, open_file) as stream:
        lines = _decode_lines(file, stream)
        sample = list(itertools.islice(lines, SAMPLE_LINES))
        separator = _find_separator(file, sample)
        for line, _, cells in _parse(file, itertools.chain(sample, lines), separator):
            yield line, cells


def read_later_records(
    file: str, stream: Iterable[bytes], separator: str, first_line: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, cells) of every record in lines after the header.

    Args:
        file: the file, for messages.
        stream: the lines.
        separator: the separator of cells.
        first_line: number of the first of the lines.

    Yields:
        The number of the record's first line, and its cells.

    Raises:
        SourceError: A line cannot be decoded, or its quotes are not balanced.
    """
    lines = _decode_lines(file, stream, first_line)
    for line, _, cells in _parse(file, lines, separator, first_line):
        yield line, cells


def _parse(
    file: str, lines: Iterable[str], separator: str, first_line: int = 1
) -> Iterator[tuple[int, int, list[str]]]:
    try:
        yield from split_records(lines, separator, first_line)
    except CsvTextError as error:
        raise SourceError(f"{file}, {error}") from error


def _keep(lines: Iterable[bytes], kept: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        kept.append(line)
        yield line


def _find_separator(file: str, sample: list[str]) -> str:
    try:
        return take_separator(sample)
    except ValueError as error:
        raise SourceError(f"{file}: {error}") from None


def _decode_lines(file: str, stream: Iterable[bytes], first_line: int = 1) -> Iterator[str]:
    try:
        yield from decode_lines(stream, first_line)
    except CsvTextError as error:
        raise SourceError(f"{file}, {error}") from None
