"""Convert cells one by one, so that an error gives file, line and column of the first wrong cell."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.csv_example_gen.csv_values import CellError, CellKind, Value, convert
from components.csv_example_gen.date_cells import check_dates
from components.csv_example_gen.file_contents import SourceError
from components.csv_example_gen.reading_rules import USUAL_MISSING_CELLS, ReadingRules
from components.csv_example_gen.records import locate_record
from serving.contract.missing_values import MISSING_CELL_TAG
from serving.csv_text.lines import describe_count, shorten

BATCH_ROWS = 1024  # rows converted together; more are no faster

Batch = tuple[tuple[int, ...], list[tuple[str, ...]]]  # first line of each row; cells of each column


def batch_records(file: str, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Batch]:
    """Yield the cells of rows by column, up to BATCH_ROWS rows at a time.

    Args:
        file: the file, for messages.
        header: names of the columns.
        rows: line and cells of each row, without the header.

    Yields:
        The batches.

    Raises:
        SourceError: A row has more or fewer cells than the header.
    """
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        for line, cells in batch:
            if len(cells) != len(header):
                raise SourceError(f"{locate_record(file, line)}: {describe_count(cells, len(header))}")
        lines, by_row = zip(*batch, strict=True)
        yield lines, list(zip(*by_row, strict=True))


def convert_batch(
    file: str, kinds: Mapping[str, CellKind | None], rules: ReadingRules, batch: Batch
) -> list[Sequence[Any]]:
    """Return the values of each column of `kinds`, None for a missing value; a column without a type stays cells.

    Raises:
        SourceError: A cell does not hold a value of its type, or a date is not in the contract's format.
    """
    lines, columns = batch
    converted: list[Sequence[Any]] = []
    for (name, kind), cells in zip(kinds.items(), columns, strict=True):
        if kind is None:
            converted.append(cells)
            continue
        values = convert_column(file, name, kind, rules, lines, cells)
        if name in rules.dates:
            check_dates(file, name, rules, lines, values)
        converted.append(values)
    return converted


def convert_column(
    file: str, name: str, kind: CellKind, rules: ReadingRules, lines: Sequence[int], cells: Sequence[str]
) -> list[Value]:
    """Return the values of a column, None for a missing value.

    Raises:
        SourceError: A cell does not hold a value of its type.
    """
    written = rules.formats.get(name)
    try:
        return convert(cells, kind, rules.missing, written)
    except CellError as error:
        how = f" written as the contract's tags {', '.join(written.tags)} say" if written else ""
        raise SourceError(
            f"{locate_record(file, lines[error.position])}, column `{name}`: expected {kind.name}{how}, "
            f"received {shorten(error.cell)}. {_suggest(error.cell, name, rules)}"
        ) from None


def _suggest(cell: str, column: str, rules: ReadingRules) -> str:
    if cell.strip() in USUAL_MISSING_CELLS and column not in rules.required:
        return (
            "If it says that the value is missing, leave the cell empty, or add "
            f'tag: "{MISSING_CELL_TAG}{cell.strip()}" to the annotation at the top of the contract.'
        )
    return rules.suggest_correction(column)
