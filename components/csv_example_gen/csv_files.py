"""Checks CSV files before the pipeline reads them, and reads them.

`check_csv` reads every file from end to end before ExampleGen starts its Beam pipeline, so that a fault is reported
once, with file, line and column, and nothing is written. The Beam pipeline then reads with `read_columns`. Standard
library only; memory does not grow with the size of a file.

Accepted: UTF-8 without a byte order mark, commas, double quotes (a quoted cell may hold a line break), one header, the
same in all files. Blank lines are skipped. An empty cell is a missing value.

Faults that TFX's own CsvExampleGen (1.16 to 1.21) lets through silently, and that are errors here:
  * a byte order mark: it becomes part of the first column's name;
  * a column name that occurs twice: the last column wins; an empty column name: a feature without a name;
  * no row at all: empty splits are written;
  * text in a numeric column: the whole column becomes strings; only whole numbers in a column of floats: it becomes
    integers (both under a contract only: `expected`);
  * `nan`, `inf`, numbers beyond float32, which become inf, and `1_000`, which Python reads as 1000 (likewise);
  * text after a closing quote: `"a"b` is read as `ab`; NUL bytes; semicolons or tabs instead of commas.
It also keeps the quotes of a quoted header as part of the names; here they are quotes, as on every other line. Ragged
lines, unbalanced quotes, undecodable bytes and differing headers do fail there, inside Beam and without a line number.
"""

import glob
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.csv_example_gen.csv_lines import OpenFile, SourceError, open_local, read_header, records
from components.csv_example_gen.csv_values import CellError, CellKind, Value, convert, infer

__all__ = [
    "CellKind",
    "SourceError",
    "SourceSummary",
    "check_csv",
    "find_files",
    "find_unread",
    "locate",
    "read_columns",
]

EVERY_FILE = "*"  # the pattern of a folder: all its files that have one of ENDINGS
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")  # in whatever case
BATCH_ROWS = 1024  # Rows converted together: larger is no faster.

ListFiles = Callable[[str], Iterable[str]]
Batch = tuple[tuple[int, ...], list[tuple[str, ...]]]  # First line of each row; cells of each column.


@dataclass(frozen=True, kw_only=True)
class SourceSummary:
    """What a checked source holds."""

    files: tuple[str, ...]  # Sorted; the order in which they are read.
    rows: int  # Over all files, without headers and blank lines.
    columns: dict[
        str, CellKind
    ]  # In the header's order: the expected type, or the inferred one where none was expected.


def locate(source: str | Path) -> tuple[str, str]:
    """Splits a source into the folder and the file pattern that ExampleGen wants.

    Returns:
        (folder, pattern): of a folder, EVERY_FILE; of a file, its name with glob characters escaped; of a glob pattern,
        its last part.
    """
    path = Path(source)
    if path.is_dir():
        return str(path), EVERY_FILE
    return str(path.parent), glob.escape(path.name) if path.exists() else path.name


def find_files(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """Lists the files of a source, sorted: the order in which they are read.

    Args:
        source: a file; a folder, of which the files with one of ENDINGS are read, in whatever case; or a glob pattern,
            of which every match is read. The pattern EVERY_FILE stands for its folder.
        list_files: the paths that match a pattern.

    Raises:
        SourceError: there is none.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    if path.exists() and glob.has_magic(str(folder)):
        raise SourceError(f"{folder}: ExampleGen cannot read from a folder with one of *?[ in its name. Rename it.")
    found = _list_visible(source, list_files)
    if files := [file for file in found if _is_readable(file)] if _is_folder(path) else found:
        return files
    if _is_folder(path) and folder.is_dir():
        held = f"It holds {_shorten_list(found)}" if found else "It is empty"
        raise SourceError(
            f"{folder}: no file to read in this folder. Expected at least one named *{', *'.join(ENDINGS)}. {held}."
        )
    if glob.has_magic(path.name) and path.parent.is_dir():
        raise SourceError(f"{path.parent}: no file here matches `{path.name}`. Expected at least one CSV file.")
    raise SourceError(f"{source}: no such file or folder. Expected a CSV or Parquet file, or a folder that holds some.")


def find_unread(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """Lists the names of what a folder holds and `find_files` leaves out, sorted; hidden files are not worth a word."""
    if not _is_folder(Path(source)):
        return []
    return [Path(path).name for path in _list_visible(source, list_files) if not _is_readable(path)]


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.name == EVERY_FILE


def _is_readable(path: str) -> bool:
    return path.lower().endswith(ENDINGS)


def _list_visible(source: str | Path, list_files: ListFiles) -> list[str]:
    pattern = str(Path(*locate(source))) if Path(source).exists() else str(source)
    # Python's glob leaves hidden files out, TensorFlow's does not.
    return sorted(path for path in list_files(pattern) if not Path(path).name.startswith("."))


def check_csv(
    source: str | Path,
    *,
    expected: Mapping[str, CellKind] | None = None,
    list_files: ListFiles = glob.glob,
    open_file: OpenFile = open_local,
) -> SourceSummary:
    """Reads all of a CSV source and raises at its first fault.

    Args:
        source: a file, a folder or a glob pattern, as `find_files` takes it.
        expected: type by column name. A column that is not named here gets the narrowest type that holds its values. A
            name without a column is no fault here: that is for the data contract to say.
        list_files: the files that match a pattern.
        open_file: opens one of them for reading bytes.

    Raises:
        SourceError: the source is missing, empty or malformed, or a cell does not hold a value of the expected type.
    """
    expected = expected or {}
    files = find_files(source, list_files)
    header = _common_header(files, open_file)
    kinds = {name: expected.get(name, CellKind.EMPTY) for name in header}
    rows = 0
    for file in files:
        for lines, columns in _batches(file, header, open_file):
            rows += len(lines)
            for name, cells in zip(header, columns, strict=True):
                if name in expected:
                    _convert_column(file, name, kinds[name], lines, cells)
                else:
                    kinds[name] = infer(cells, at_least=kinds[name])
    if not rows:
        raise SourceError(f"{source}: a header and no rows. Expected at least one line of values after the header.")
    return SourceSummary(files=tuple(files), rows=rows, columns=kinds)


def read_columns(
    file: str, kinds: Mapping[str, CellKind], open_file: OpenFile = open_local
) -> Iterator[list[Sequence[Value]]]:
    """Yields the values of a file, up to BATCH_ROWS rows at a time: one sequence per column of `kinds`, None for a gap.

    Raises:
        SourceError: as `check_csv`.
    """
    for lines, columns in _batches(file, list(kinds), open_file):
        yield [
            _convert_column(file, name, kind, lines, cells)
            for (name, kind), cells in zip(kinds.items(), columns, strict=True)
        ]


def _common_header(files: Sequence[str], open_file: OpenFile) -> list[str]:
    header = read_header(files[0], open_file)
    for file in files[1:]:
        if (names := read_header(file, open_file)) != header:
            raise SourceError(
                f"{file}, line 1: all files of a source must have the same header. "
                f"Expected, as in {files[0]}: {','.join(header)}. Received: {','.join(names)}."
            )
    return header


def _batches(file: str, header: Sequence[str], open_file: OpenFile) -> Iterator[Batch]:
    rows = itertools.islice(records(file, open_file), 1, None)
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        for line, cells in batch:
            if len(cells) != len(header):
                raise SourceError(
                    f"{file}, line {line}: expected {len(header)} cells, as in the header, received {len(cells)}: "
                    f"{_shorten(','.join(cells))}. A cell that holds a comma needs double quotes around it."
                )
        lines, by_row = zip(*batch, strict=True)
        yield lines, list(zip(*by_row, strict=True))


def _convert_column(file: str, name: str, kind: CellKind, lines: Sequence[int], cells: Sequence[str]) -> list[Value]:
    try:
        return convert(cells, kind)
    except CellError as error:
        raise SourceError(
            f"{file}, line {lines[error.position]}, column `{name}`: expected {kind.name}, "
            f"received {_shorten(error.cell)}. Correct the cell, or leave it empty to say that the value is missing."
        ) from None


def _shorten(text: str, limit: int = 60) -> str:
    return repr(text) if len(text) <= limit else repr(text[: limit - 1] + "…")


def _shorten_list(paths: Sequence[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(Path(path).name for path in paths[:most]) + more
