"""Finds the files of a source, checks them before the pipeline reads them, and reads them.

`check_csv` reads every file from end to end before ExampleGen starts its Beam pipeline, so that a fault is reported
once, with file, line and column, and nothing is written. The Beam pipeline then reads with `read_shard`. Memory does
not grow with the size of a file, but for 8 bytes a row where equal rows are to be found.

Accepted:
  * text in UTF-8, with a byte order mark or without, also packed with gzip (`.csv.gz`). Cells are separated by commas,
    semicolons, tabs or bars, as is found out of each file, or as a first line such as `sep=;` says; double quotes (a
    quoted cell may hold a line break); one header. Blank lines are skipped;
  * Parquet (`.parquet`), read as the cells that `parquet_records` describes.
All files of a source have the same header. An empty cell, and one of nothing but spaces, is a missing value; further
spellings, and other ways to write numbers, are said by the contract (`reading_rules`).

Faults that TFX's own CsvExampleGen (1.16 to 1.21) lets through silently, and that are errors here:
  * a column name that occurs twice: the last column wins; an empty column name: a feature without a name;
  * no row at all: empty splits are written;
  * text in a numeric column: the whole column becomes strings; only whole numbers in a column of floats: it becomes
    integers (both under a contract only);
  * `nan`, `inf`, numbers beyond float32, which become inf, and `1_000`, which Python reads as 1000 (likewise);
  * numbers that float32 cannot tell apart (`float_precision`, likewise);
  * text after a closing quote: `"a"b` is read as `ab`; NUL bytes; other separators than commas.
It also keeps a byte order mark and the quotes of a quoted header as part of the names. Ragged lines, unbalanced quotes,
undecodable bytes and differing headers do fail there, inside Beam and without a line number.
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

EVERY_FILE = "*"  # the pattern of a folder: all its files that have one of ENDINGS
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")  # in whatever case

ListFiles = Callable[[str], Iterable[str]]
NO_RULES = ReadingRules()  # of a source without a contract


@dataclass(frozen=True, kw_only=True)
class SourceSummary:
    """What a checked source holds."""

    files: tuple[str, ...]  # Sorted; the order in which they are read.
    rows: int  # Over all files, without headers and blank lines.
    columns: dict[str, CellKind]  # In the header's order: the contract's type, or the inferred one where it has none.
    rules: ReadingRules  # By which it was checked, and is to be read.
    float32_errors: dict[str, float]  # By FLOAT column of the contract: Float32Precision.relative_error.
    shards: tuple[Shard, ...]  # in the order of the rows
    # uint64 [rows], what `hash_rows` gives; None where it was not asked for, or types were inferred until the end.
    row_hashes: np.ndarray | None = dataclasses.field(default=None, compare=False, repr=False)

    def read(self, open_file: OpenFile) -> Iterator[TypedBlock]:
        """Yield all rows again."""
        for shard in self.shards:
            yield from read_shard(shard, self.columns, self.rules, open_file)


def read_shard(
    shard: Shard, columns: Mapping[str, CellKind], rules: ReadingRules, open_file: OpenFile
) -> Iterator[TypedBlock]:
    """Yield the rows of a shard of a source that was checked."""
    unchecked = dataclasses.replace(rules, dates={})  # Its dates were read already, one by one.
    for part in shard.parts:
        yield from read_typed(part, columns, open_file, rules=unchecked)


def locate(source: str | Path) -> tuple[str, str]:
    """Split a source into the folder and the file pattern that ExampleGen wants.

    Returns:
        (folder, pattern): of a folder, EVERY_FILE; of a file, its name with glob characters escaped; of a glob pattern,
        its last part.
    """
    path = Path(source)
    if path.is_dir():
        return str(path), EVERY_FILE
    return str(path.parent), glob.escape(path.name) if path.exists() else path.name


def find_files(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """List the files of a source, sorted: the order in which they are read.

    Args:
        source: a file; a folder, of which the files with one of ENDINGS are read, in whatever case; or a glob pattern,
            of which every match is read. The pattern EVERY_FILE stands for its folder.
        list_files: the paths that match a pattern.

    Raises:
        SourceError: there is none; or a folder holds the same name in two formats, which are the same rows twice.
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
        held = f"It holds {_shorten_list(found)}" if found else "It is empty"
        raise SourceError(
            f"{folder}: no file to read in this folder. Expected at least one named *{', *'.join(ENDINGS)}. {held}."
        )
    if glob.has_magic(path.name) and path.parent.is_dir():
        raise SourceError(f"{path.parent}: no file here matches `{path.name}`. Expected at least one CSV file.")
    raise SourceError(f"{source}: no such file or folder. Expected a CSV or Parquet file, or a folder that holds some.")


def list_matches(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """List what `find_files` lists, without its checks; nothing where there is none."""
    found = _list_visible(source, list_files)
    return [path for path in found if is_match(Path(path).name, EVERY_FILE)] if _is_folder(Path(source)) else found


def is_match(name: str, pattern: str) -> bool:
    """Tell whether a file of this name, without its folder, is one of those that a pattern stands for."""
    if name.startswith("."):
        return False
    return _find_ending(name) is not None if pattern == EVERY_FILE else fnmatch.fnmatch(name, pattern)


def find_unread(source: str | Path, list_files: ListFiles = glob.glob) -> list[str]:
    """List the names of what a folder holds and `find_files` leaves out, sorted; hidden files are not worth a word."""
    if not _is_folder(Path(source)):
        return []
    return [Path(path).name for path in _list_visible(source, list_files) if not _find_ending(path)]


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.name == EVERY_FILE


def _find_ending(path: str) -> str | None:
    return next((ending for ending in ENDINGS if path.lower().endswith(ending)), None)


def _check_stems(files: Sequence[str]) -> None:
    """Raise where a file lies beside its own packed or converted copy: its rows would count twice."""
    seen: dict[str, str] = {}
    for file in files:
        stem = file.lower().removesuffix(_find_ending(file) or "")
        if (other := seen.setdefault(stem, file)) != file:
            raise SourceError(
                f"{Path(file).parent}: holds {Path(other).name} and {Path(file).name}. Expected each file in one "
                "format, or its rows would be read twice. Remove one of them, or rename it if its rows are others."
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
    """Read all of a source and raises at its first fault.

    Args:
        source: a file, a folder or a glob pattern, as `find_files` takes it.
        rules: of the contract. A column whose type it does not say gets the narrowest that holds its values. A name
            without a column is no fault here, unless case alone sets them apart: that is for the data contract to say.
        list_files: the files that match a pattern.
        open_file: opens one of them for reading bytes.
        hash_equal_rows: whether to fill in `row_hashes`.
        shard_bytes: of text in each of `shards` at least, but for the last one; None: one shard.

    Raises:
        SourceError: the source is missing, empty or malformed, a cell does not hold a value of its type, or float32
            would make one of different values.
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
    """Yield the values of a file, up to BATCH_ROWS rows at a time: one sequence per column of `kinds`, None for a gap.

    Raises:
        SourceError: as `check_csv`.
    """
    for batch in read_cells(file, list(kinds), open_file):
        yield [
            convert_column(file, name, kind, rules, batch[0], cells)
            for (name, kind), cells in zip(kinds.items(), batch[1], strict=True)
        ]


def read_cells(file: str, header: Sequence[str], open_file: OpenFile = open_local) -> Iterator[Batch]:
    """Yield the cells of a file as they are written, up to BATCH_ROWS rows at a time.

    Raises:
        SourceError: the file is malformed, or a row has not as many cells as the header.
    """
    return batch_records(file, header, itertools.islice(records(file, open_file), 1, None))


def check_precision(source: str, name: str, precision: Float32Precision) -> None:
    """Raise where float32 would make one of different values.

    Raises:
        SourceError: Names two of them.
    """
    loss = precision.find_loss()
    if loss is not None:
        raise SourceError(
            f"{source}, column `{name}`: expected numbers that float32, as which a FLOAT is stored, can tell apart; "
            f"received {loss.first!r} and {loss.second!r}, which both become {loss.stored!r}, and so do others: of "
            f"{loss.of:,} different values {loss.lost:,} are lost. Write whole numbers of a smaller unit, such as "
            "milliseconds or cents, and declare the column as INT, which is kept exactly; or subtract a constant that "
            f"all values share, such as {_round_number(loss.first):,}, before they are written."
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
    """The leading two digits of a number."""
    return int(float(f"{value:.1e}"))


def _shorten_list(paths: Sequence[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(Path(path).name for path in paths[:most]) + more
