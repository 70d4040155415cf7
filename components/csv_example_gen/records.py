"""Read the header and the records of a CSV or Parquet file."""

from collections.abc import Iterator

from components.csv_example_gen.csv_lines import read_csv_records
from components.csv_example_gen.file_contents import OpenFile, SourceError, is_parquet, open_local
from components.csv_example_gen.parquet_records import read_parquet_records

INDEX_NAME = "Unnamed: 0"  # pandas' name for the first column, without a name, that its to_csv writes


def records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Return an iterator of (line, cells) of every record, the header included.

    The line is the first line of the record; for Parquet it is the number of the row.

    Raises:
        SourceError: On iteration: the file is malformed, or its format is not that of its name.
    """
    return read_parquet_records(file, open_file) if is_parquet(file) else read_csv_records(file, open_file)


def locate_record(file: str, line: int) -> str:
    """Return a description of where a record is, for messages.

    Example:
        >>> locate_record("trips.csv", 3), locate_record("trips.parquet", 3)
        ('trips.csv, line 3', 'trips.parquet, row 3')
    """
    return f"{file}, {'row' if is_parquet(file) else 'line'} {line}"


def read_header(file: str, open_file: OpenFile = open_local) -> list[str]:
    """Return the column names of a file; an empty first name becomes INDEX_NAME.

    Raises:
        SourceError: There is no header, or it has an empty or repeated name.
    """
    line, names = next(records(file, open_file), (0, []))
    if not names:
        raise SourceError(f"{file}: the file is empty. Expected a header line with the column names.")
    if len(names) > 1 and not names[0].strip():
        names = [INDEX_NAME, *names[1:]]
    where = file if is_parquet(file) else f"{file}, line {line}"
    for position, name in enumerate(names, start=1):
        if not name.strip():
            raise SourceError(f"{where}: column {position} of {len(names)} has no name. Name it or remove it.")
        if names.index(name) != position - 1:
            raise SourceError(
                f"{where}: the column name `{name}` occurs more than once "
                f"(columns {names.index(name) + 1} and {position}). Rename or remove one of them."
            )
    return names
