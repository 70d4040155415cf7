"""Records and header of a file, whatever its format."""

from collections.abc import Iterator

from components.csv_example_gen.csv_lines import read_csv_records
from components.csv_example_gen.file_contents import OpenFile, SourceError, is_parquet, open_local
from components.csv_example_gen.parquet_records import read_parquet_records

INDEX_NAME = "Unnamed: 0"  # What pandas calls the column that its to_csv writes first, without a name.


def records(file: str, open_file: OpenFile = open_local) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, cells) of every record, the header included; of Parquet, the number of the row.

    Raises:
        SourceError: the file does not hold what its name says, or is malformed.
    """
    return read_parquet_records(file, open_file) if is_parquet(file) else read_csv_records(file, open_file)


def locate_record(file: str, line: int) -> str:
    """Say where a record is."""
    return f"{file}, {'row' if is_parquet(file) else 'line'} {line}"


def read_header(file: str, open_file: OpenFile = open_local) -> list[str]:
    """Read the column names of a file. A first one that is empty is INDEX_NAME.

    Raises:
        SourceError: no header, or one with an empty or repeated name.
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
