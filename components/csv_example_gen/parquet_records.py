"""Read Parquet files as the cells of a CSV file with the same rows, so that the same rules convert both.

| Parquet | cell |
|---|---|
| null, NaN | empty |
| integers, decimals, floats | digits that give the same number again |
| strings, also of dictionaries (pandas' categories) | the string |
| booleans | `True`, `False`, as pandas writes them |
| dates, timestamps | ISO 8601: `2024-04-12`, `2024-04-12T18:30:00`, with the offset where they have a zone |

Other types cannot be one cell and are refused: lists, structs, maps, binary, times without a date, durations.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.csv_example_gen.file_contents import OpenFile, SourceError, open_content, open_local
from components.csv_example_gen.file_parts import FilePart

_BATCH_ROWS = 16384  # rows read at once, since a row group can be larger than memory

Format = Callable[[Any], str]  # value -> cell
_FORMATS: tuple[tuple[Callable[[Any], bool], Format], ...] = (
    (pa.types.is_integer, str),
    (pa.types.is_floating, lambda number: "" if number != number else repr(float(number))),
    (pa.types.is_decimal, str),
    (pa.types.is_boolean, str),
    (pa.types.is_string, str),
    (pa.types.is_large_string, str),
    (pa.types.is_date, lambda day: day.isoformat()),
    (pa.types.is_timestamp, lambda moment: moment.isoformat()),
    (pa.types.is_null, str),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ParquetBlock:
    """Some rows of a Parquet file."""

    part: FilePart  # the row group of the rows
    first_row: int  # number of the first row, from 1
    batch: pa.RecordBatch
    formats: Sequence[Format]

    def cells(self) -> list[pa.Array]:
        """Return the cells of each column, [rows]: int64, float64 with null for NaN, or string for other types."""
        with _explained(self.part.file):
            return [_to_cells(*column) for column in zip(self.batch.columns, self.formats, strict=True)]

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (number of the row, cells as text) of every row."""
        with _explained(self.part.file):
            columns = [_format_column(*column) for column in zip(self.batch.columns, self.formats, strict=True)]
        for number, cells in enumerate(zip(*columns, strict=True), start=self.first_row):
            yield number, list(cells)


def read_parquet_records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the row, cells as text) of every row.

    Yields:
        First 0 and the column names, then the rows, numbered from 1.

    Raises:
        SourceError: The file cannot be read, or a column has a type that cannot be a cell.
    """
    yield 0, _read_names(file, open_file)
    for block in read_parquet_blocks(file, None, open_file):
        yield from block.records()


def read_parquet_blocks(
    file: str, part: FilePart | None = None, open_file: OpenFile = open_local
) -> Iterator[ParquetBlock]:
    """Yield the rows of a file, or those of the row groups from `part.begin` to before `part.end`, in blocks.

    Args:
        file: the file.
        part: the part; None: all rows.
        open_file: function that opens the file for reading bytes.

    Yields:
        The blocks, in the order of the rows.

    Raises:
        SourceError: The file cannot be read, or a column has a type that cannot be a cell.
    """
    with open_content(file, open_file) as stream, _explained(file):
        parquet = pq.ParquetFile(stream)
        formats = [_choose_format(file, field) for field in parquet.schema_arrow]
        first = part.first if part else 1
        end = parquet.num_row_groups if part is None or part.end is None else part.end
        for group in range(part.begin if part else 0, end):
            found = parquet.metadata.row_group(group)
            here = FilePart(file=file, begin=group, end=group + 1, first=first, size=found.total_byte_size)
            row = first
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group]):
                yield ParquetBlock(part=here, first_row=row, batch=batch, formats=formats)
                row += batch.num_rows
            first += found.num_rows


def _read_names(file: str, open_file: OpenFile) -> list[str]:
    with open_content(file, open_file) as stream, _explained(file):
        schema = pq.ParquetFile(stream).schema_arrow
        for field in schema:
            _choose_format(file, field)
        return list(schema.names)


@contextmanager
def _explained(file: str) -> Iterator[None]:
    """Turn errors of Arrow and of dates within the block into a SourceError."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # damaged pages raise OSError
        reason = " ".join(str(error).split()).rstrip(".")  # Arrow's text may have several lines
        raise SourceError(f"{file}: cannot be read as Parquet: {reason}. Write the file again.") from error
    except OverflowError as error:
        raise SourceError(
            f"{file}: expected dates and timestamps of the years 1 to 9999, received others ({error}), or the file "
            "is damaged. Leave them empty, or write the file again."
        ) from error


def _to_cells(column: pa.Array, text: Format) -> pa.Array:
    if pa.types.is_integer(column.type):
        return column
    if pa.types.is_floating(column.type):
        numbers = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    if pa.types.is_string(column.type):
        column.validate(full=True)  # checks that it is UTF-8, which reading does not
        return column
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    texts = pa.array(_format_column(encoded.dictionary, text), pa.string())
    return texts.take(encoded.indices)


def _choose_format(file: str, field: pa.Field) -> Format:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    for is_of, text in _FORMATS:
        if is_of(kind):
            return text
    raise SourceError(
        f"{file}, column `{field.name}`: expected numbers, strings, booleans, dates or timestamps, received "
        f"{field.type}. Write its values as columns of these types, or leave the column out."
    )


def _format_column(column: pa.Array, text: Format) -> list[str]:
    return ["" if value is None else text(value) for value in column.to_pylist()]
