"""Join the parts of a batch prediction and move the result to its place, whole or not at all.

| output | predictions | refused rows |
|---|---|---|
| `x.parquet`, `x.csv` | one file | `x.parquet.refused.csv`, `x.csv.refused.csv` |
| any other name: a folder | `predictions-00000-of-00007.parquet` … | `_refused.csv` |

If no row is refused, there is no file of refused rows. The file of refused rows is moved before the output, so that an
output is never next to the refused rows of another one.
"""

import csv
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from components.batch_predictor.errors import BatchPredictionError
from components.batch_predictor.part_files import REFUSED_COLUMNS, PartFiles
from serving.durable_file import sync

PARQUET, CSV = ".parquet", ".csv"
_REFUSED = "_refused.csv"  # in a folder of Parquet files, whose readers ignore names that start with `_`
_WHOLE = "whole"  # subfolder of the folder of parts, for the joined output


def is_file(out: Path) -> bool:
    """Return whether an output of this name is a file; else it is a folder.

    Example:
        >>> is_file(Path("rows.csv")), is_file(Path("rows"))
        (True, False)
    """
    return out.suffix.lower() in (PARQUET, CSV)


def refused_path(out: Path) -> Path:
    """Return the path of the file of refused rows."""
    return out.with_name(f"{out.name}.refused.csv") if is_file(out) else out / _REFUSED


def check_place(out: Path, files: Sequence[str]) -> None:
    """Check that the output can be written to a path.

    Args:
        out: path of the output.
        files: the files that are predicted.

    Raises:
        BatchPredictionError: The output would replace one of the files. Or it is a file and `out` is a folder, or it is
            a folder and `out` is a file or a folder that is not empty.
    """
    taken = {Path(file).resolve() for file in files} & {out.resolve(), refused_path(out).resolve()}
    if taken:
        raise BatchPredictionError(
            f"{out}: expected an output that replaces none of the files to predict, received one that replaces "
            f"{taken.pop()}; name another."
        )
    if is_file(out):
        if out.is_dir():
            raise BatchPredictionError(f"{out}: expected a file or nothing there, received a folder; name another.")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BatchPredictionError(
            f"{out}: expected no such folder, or an empty one, received one that is not empty, or a file; name "
            f"another, or remove it. To get one file, choose a name that ends in {PARQUET} or {CSV}."
        )


def put_in_place(parts: PartFiles, shards: int, out: Path) -> None:
    """Join all parts and move the result to the output's path, where it replaces a file.

    Args:
        parts: the parts, all complete.
        shards: number of parts.
        out: path of the output, checked with `check_place`.

    Raises:
        OSError: The disk is full, or the path cannot be written.
    """
    whole = parts.folder / _WHOLE
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir()
    refused = _join_refused([parts.refused(shard) for shard in range(shards)], whole / _REFUSED)
    files = [parts.predictions(shard) for shard in range(shards)]
    if not is_file(out):
        for shard, file in enumerate(files):
            (whole / f"predictions-{shard:05d}-of-{shards:05d}{PARQUET}").hardlink_to(file)
        sync(whole)
        if out.exists():
            out.rmdir()
        whole.rename(out)
        sync(out.parent)
        return
    made = whole / out.name
    (_join_parquet if out.suffix.lower() == PARQUET else _join_csv)(files, made)
    sync(made)
    out.unlink(missing_ok=True)
    if refused is None:
        refused_path(out).unlink(missing_ok=True)
    else:
        refused.replace(refused_path(out))
    made.rename(out)
    sync(out.parent)


def _join_parquet(files: Sequence[Path], made: Path) -> None:
    with pq.ParquetWriter(made, pq.read_schema(files[0])) as writer:
        for table in _row_groups(files):
            writer.write_table(table)


def _join_csv(files: Sequence[Path], made: Path) -> None:
    with pa_csv.CSVWriter(str(made), pq.read_schema(files[0])) as writer:
        for table in _row_groups(files):
            writer.write_table(table)


def _row_groups(files: Sequence[Path]) -> Iterator[pa.Table]:
    """Yield the rows one row group at a time, so that memory does not grow with their number."""
    for file in files:
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                yield opened.read_row_group(group)


def _join_refused(files: Sequence[Path], made: Path) -> Path | None:
    """Join the files of refused rows and return the joined file; None if there are no refused rows."""
    filled = [file for file in files if file.stat().st_size]
    if not filled:
        return None
    with made.open("w", newline="") as stream:
        csv.writer(stream).writerow(REFUSED_COLUMNS)
    with made.open("ab") as whole:
        for file in filled:
            with file.open("rb") as stream:
                shutil.copyfileobj(stream, whole)
    sync(made)
    return made
