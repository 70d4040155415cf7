"""Records of a Parquet file, as the cells that a CSV file of the same rows would hold: one set of rules reads both.

| Parquet | cell |
|---|---|
| null, NaN | empty |
| integers, decimals, floats | digits that give the same number again |
| strings, also of dictionaries (pandas' categories) | the string |
| booleans | `True`, `False`, as pandas writes them |
| dates, timestamps | ISO 8601: `2024-04-12`, `2024-04-12T18:30:00`, with the offset where they have a zone |

All else has no meaning as one cell and is refused: lists, structs, maps, binary, times without a date, durations.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.csv_example_gen.file_contents import OpenFile, SourceError, open_content, open_local

_BATCH_ROWS = 1024  # A row group can be larger than memory.

_FORMATS: tuple[tuple[Callable[[Any], bool], Callable[[Any], str]], ...] = (
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


def read_parquet_records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yields (number of the row, from 1; cells) of every row, and before them the column names as row 0.

    Raises:
        SourceError: the file cannot be read, or a column's type has no meaning as a cell.
    """
    with open_content(file, open_file) as stream:
        try:
            parquet = pq.ParquetFile(stream)
            schema = parquet.schema_arrow
            formats = [_choose_format(file, field) for field in schema]
            yield 0, schema.names
            numbers = itertools.count(1)
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS):
                columns = [_format_column(*column) for column in zip(batch.columns, formats, strict=True)]
                for cells in zip(*columns, strict=True):
                    yield next(numbers), list(cells)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # Damaged pages: an OSError without a number.
            said = " ".join(str(error).split()).rstrip(".")  # Arrow's may have several lines.
            raise SourceError(f"{file}: cannot be read as Parquet: {said}. Write the file again.") from error
        except OverflowError as error:
            raise SourceError(
                f"{file}: expected dates and timestamps of the years 1 to 9999, received others ({error}), or the file "
                "is damaged. Leave them empty, or write the file again."
            ) from error


def _choose_format(file: str, field: pa.Field) -> Callable[[Any], str]:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    for is_of, text in _FORMATS:
        if is_of(kind):
            return text
    raise SourceError(
        f"{file}, column `{field.name}`: expected numbers, strings, booleans, dates or timestamps, received "
        f"{field.type}. Write what it holds as columns of those, or leave it out."
    )


def _format_column(column: pa.Array, text: Callable[[Any], str]) -> list[str]:
    return ["" if value is None else text(value) for value in column.to_pylist()]
