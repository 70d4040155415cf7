"""Find the files of a source, check them, and read their rows.

`check_csv` reads every file completely before ExampleGen starts its Beam pipeline. So a fault is reported once, with
file, line and column, and nothing is written. The Beam pipeline then reads with `read_shard`. Memory does not grow with
the size of a file, except by 8 bytes per row if equal rows must be found.

Accepted:
  * text in UTF-8, with or without a byte order mark, also compressed with gzip (`.csv.gz`). Cells are separated by
    commas, semicolons, tabs or bars; each file's separator is detected, or given in a first line such as `sep=;`. Cells
    may be in double quotes and then hold line breaks. There is one header. Blank lines are skipped;
  * Parquet (`.parquet`), read as the cells that `parquet_records` describes.
All files of a source have the same header. A cell that is empty or has only spaces is a missing value. The contract
gives further spellings of "missing", and formats of numbers (`reading_rules`).

Faults that TFX's own CsvExampleGen (1.16 to 1.21) accepts silently, and that are errors here:
  * a column name that occurs twice: the last column is used; an empty column name: a feature without a name;
  * no rows: empty splits are written;
  * text in a numeric column: the whole column becomes strings; only whole numbers in a column of floats: it becomes
    integers (both are errors only if the contract has the column);
  * `nan`, `inf`, numbers beyond float32, which become inf, and `1_000`, which Python reads as 1000 (likewise);
  * different numbers that become the same float32 (`float_precision`, likewise);
  * text after a closing quote: `"a"b` is read as `ab`; NUL bytes; other separators than commas.
CsvExampleGen also keeps a byte order mark and the quotes of a quoted header as part of the names. Ragged lines,
unbalanced quotes, undecodable bytes and differing headers fail there too, inside Beam and without a line number.
"""

import dataclasses
import fnmatch
import glob
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.csv_example_gen.careful_cells import BATCH_ROWS, Batch, batch_records, convert_column
from components.csv_example_gen.csv_values import CellKind, Value
from components.csv_example_gen.file_contents import OpenFile, SourceError, open_local
from components.csv_example_gen.file_parts import Shard, group_shards
from components.csv_example_gen.findings import Findings
from components.csv_example_gen.float_precision import Float32Precision
from components.csv_example_gen.reading_rules import ReadingRules, check_header
from components.csv_example_gen.records import read_header, records
from components.csv_example_gen.typed_blocks import TypedBlock, read_typed

__all__ = [
    "BATCH_ROWS",
    "ENDINGS",
    "NO_RULES",
    "CellKind",
    "SourceError",
    "SourceSummary",
    "check_csv",
    "check_precision",
    "find_files",
    "find_unread",
    "is_match",
    "list_matches",
    "locate",
    "read_cells",
    "read_columns",
    "read_shard",
]

EVERY_FILE = "*"  # the pattern for a folder: all its files that have one of ENDINGS
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")  # in upper or lower case

ListFiles = Callable[[str], Iterable[str]]
NO_RULES = ReadingRules()  # for a source without a contract


@dataclass(frozen=True, kw_only=True)
class SourceSummary:
    """The files, rows, columns and shards of a checked source."""

    files: tuple[str, ...]  # sorted, which is the order in which they are read
    rows: int  # of all files, without headers and blank lines
    columns: dict[str, CellKind]  # in the header's order: the contract's type, or the inferred one if it has none
    rules: ReadingRules  # by which it was checked, and must be read
    float32_errors: dict[str, float]  # by FLOAT column of the contract: Float32Precision.relative_error
    shards: tuple[Shard, ...]  # in the order of the rows
    # uint64 [rows], hashes of `hash_rows`; None if not asked for, or if a type was inferred.
    row_hashes: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

    def read(self, open_file: OpenFile) -> Iterator[TypedBlock]:
        """Yield all rows in blocks."""
        for shard in self.shards:
            yield from read_shard(shard, self.columns, self.rules, open_file)


def read_shard(
    shard: Shard, columns: Mapping[str, CellKind], rules: ReadingRules, open_file: OpenFile
) -> Iterator[TypedBlock]:
    """Yield the rows of a shard of a checked source in blocks."""
    unchecked = dataclasses.replace(rules, dates={})  # its dates were checked before
    for part in shard.parts:
        yield from read_typed(part, columns, open_file, rules=unchecked)


def locate(source: str | Path) -> tuple[str, str]:
    """Split a source into the folder and the file pattern that ExampleGen takes.

    Args:
        source: a file, a folder or a glob pattern.

    Returns:
        Folder and pattern. The pattern is EVERY_FILE for a folder, the name with glob characters escaped for a file,
        and the last part for a glob pattern.
    """
    path = Path(source)
    if path.is_dir():
        return str(path), EVERY_FILE
    return str(path.parent), glob.escape(path.name) if path.exists() else path.name


def find_files(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """Return the files of a source, sorted, which is the order in which they are read.

    Args:
        source: a file; or a folder, whose files with one of ENDINGS are listed; or a glob pattern, whose matches are
            all listed. A path that ends in EVERY_FILE means its folder.
        list_files: function that returns the paths that match a pattern.

    Raises:
        SourceError: There is no file. Or a folder has the same name in two formats, so that its rows would be read
            twice. Or the folder's name has glob characters.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    if path.exists() and glob.has_magic(str(folder)):
        raise SourceError(f"{folder}: ExampleGen cannot read from a folder with one of *?[ in its name. Rename it.")
    if files := list_matches(source, list_files):
        if _is_folder(path):
            _check_stems(files)
        return files
    if _is_folder(path) and folder.is_dir():
        found = _list_visible(source, list_files)
        contents = f"It holds {_shorten_list(found)}" if found else "It is empty"
        raise SourceError(
            f"{folder}: no file to read in this folder. Expected at least one named *{', *'.join(ENDINGS)}. {contents}."
        )
    if glob.has_magic(path.name) and path.parent.is_dir():
        raise SourceError(f"{path.parent}: no file here matches `{path.name}`. Expected at least one CSV file.")
    raise SourceError(f"{source}: no such file or folder. Expected a CSV or Parquet file, or a folder that holds some.")


def list_matches(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """Return the files that `find_files` returns, without its checks; an empty list if there are none."""
    found = _list_visible(source, list_files)
    return [path for path in found if is_match(Path(path).name, EVERY_FILE)] if _is_folder(Path(source)) else found


def is_match(name: str, pattern: str) -> bool:
    """Return whether a file's name, without its folder, matches a pattern; EVERY_FILE matches names with ENDINGS.

    Example:
        >>> is_match("trips.CSV", "*"), is_match("notes.txt", "*"), is_match("notes.txt", "n*")
        (True, False, True)
    """
    if name.startswith("."):
        return False
    return _find_ending(name) is not None if pattern == EVERY_FILE else fnmatch.fnmatch(name, pattern)


def find_unread(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """Return the sorted names of a folder's visible files that `find_files` leaves out."""
    if not _is_folder(Path(source)):
        return []
    return [Path(path).name for path in _list_visible(source, list_files) if not _find_ending(path)]


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.name == EVERY_FILE


def _find_ending(path: str) -> str | None:
    return next((ending for ending in ENDINGS if path.lower().endswith(ending)), None)


def _check_stems(files: Sequence[str]) -> None:
    """Refuse two files of the same name in different formats, whose rows would be read twice."""
    seen: dict[str, str] = {}
    for file in files:
        stem = file.lower().removesuffix(_find_ending(file) or "")
        if (other := seen.setdefault(stem, file)) != file:
            raise SourceError(
                f"{Path(file).parent}: holds {Path(other).name} and {Path(file).name}. Expected each file in one "
                "format, or its rows would be read twice. Remove one of them, or rename it if it has other rows."
            )


def _list_visible(source: str | Path, list_files: ListFiles) -> list[str]:
    pattern = str(Path(*locate(source))) if Path(source).exists() else str(source)
    # Python's glob leaves hidden files out, TensorFlow's does not.
    return sorted(path for path in list_files(pattern) if not Path(path).name.startswith("."))


def check_csv(
    source: str | Path,
    *,
    rules: ReadingRules = NO_RULES,
    list_files: ListFiles = glob.glob,
    open_file: OpenFile = open_local,
    hash_equal_rows: bool = False,
    shard_bytes: int | None = None,
) -> SourceSummary:
    """Read all files of a source and raise at the first fault.

    Args:
        source: a file, a folder or a glob pattern, as `find_files` takes it.
        rules: the contract's rules. A column without a type in them gets the narrowest that holds its values. A name in
            them without a column is no fault here, unless a column's name differs from it only in case or spaces.
        list_files: function that returns the files that match a pattern.
        open_file: function that opens a file for reading bytes.
        hash_equal_rows: whether to fill in `row_hashes`.
        shard_bytes: least bytes of text in each of `shards` except the last one; None: one shard.

    Returns:
        The summary of the source.

    Raises:
        SourceError: The source is missing, empty or malformed, a cell does not hold a value of its type, or different
            values of a column would become the same float32.
    """
    files = find_files(source, list_files)
    header = _common_header(files, open_file)
    check_header(files[0], header, rules.kinds)
    found = Findings(header, rules, hashes=hash_equal_rows and all(name in rules.kinds for name in header))
    for file in files:
        for block in read_typed(file, found.typed, open_file, rules=rules):
            found.add(block)
    if not found.rows:
        raise SourceError(f"{source}: a header and no rows. Expected at least one line of values after the header.")
    for name, precision in found.precisions.items():
        check_precision(str(source), name, precision)
    return SourceSummary(
        files=tuple(files),
        rows=found.rows,
        columns=found.kinds,
        rules=rules,
        float32_errors={name: precision.relative_error for name, precision in found.precisions.items()},
        shards=tuple(group_shards(found.parts, shard_bytes)),
        row_hashes=np.concatenate(found.hashes) if found.hashes else None,
    )


def read_columns(
    file: str, kinds: Mapping[str, CellKind], open_file: OpenFile = open_local, *, rules: ReadingRules
) -> Iterator[list[Sequence[Value]]]:
    """Yield the values of a file in batches.

    Args:
        file: the file.
        kinds: type of each column, in the order of the header.
        open_file: function that opens the file for reading bytes.
        rules: the contract's rules.

    Yields:
        For up to BATCH_ROWS rows, one sequence of values for each column; None for a missing value.

    Raises:
        SourceError: The file is malformed, or a cell does not hold a value of its type.
    """
    for batch in read_cells(file, list(kinds), open_file):
        yield [
            convert_column(file, name, kind, rules, batch[0], cells)
            for (name, kind), cells in zip(kinds.items(), batch[1], strict=True)
        ]


def read_cells(file: str, header: Sequence[str], open_file: OpenFile = open_local) -> Iterator[Batch]:
    """Return an iterator of the cells of a file as text, up to BATCH_ROWS rows at a time.

    Raises:
        SourceError: On iteration: the file is malformed, or a row has more or fewer cells than the header.
    """
    return batch_records(file, header, itertools.islice(records(file, open_file), 1, None))


def check_precision(source: str, name: str, precision: Float32Precision) -> None:
    """Refuse a column whose different values would too often become the same float32.

    Args:
        source: the source, for the message.
        name: name of the column.
        precision: measurement of the column.

    Raises:
        SourceError: The column loses too many values. The message has two of them.
    """
    loss = precision.find_loss()
    if loss is not None:
        raise SourceError(
            f"{source}, column `{name}`: expected numbers that stay different as float32, in which a FLOAT is stored; "
            f"received {loss.first!r} and {loss.second!r}, which both become {loss.stored!r}, and more such: of "
            f"{loss.of:,} different values {loss.lost:,} are lost. Write whole numbers of a smaller unit, such as "
            "milliseconds or cents, and declare the column as INT, which is stored exactly; or subtract a constant "
            f"such as {_round_number(loss.first):,} from all values before they are written."
        )


def _common_header(files: Sequence[str], open_file: OpenFile) -> list[str]:
    header = read_header(files[0], open_file)
    for file in files[1:]:
        if (names := read_header(file, open_file)) != header:
            raise SourceError(
                f"{file}, line 1: all files of a source must have the same header. "
                f"Expected, as in {files[0]}: {','.join(header)}. Received: {','.join(names)}."
            )
    return header


def _round_number(value: float) -> int:
    """Return a number rounded to two digits."""
    return int(float(f"{value:.1e}"))


def _shorten_list(paths: Sequence[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(Path(path).name for path in paths[:most]) + more
