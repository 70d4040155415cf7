"""Puts the parts together, and in the output's place: whole or not at all.

| output | predictions | refused rows |
|---|---|---|
| `x.parquet`, `x.csv` | one file | `x.parquet.refused.csv`, `x.csv.refused.csv` |
| any other name: a folder | `predictions-00000-of-00007.parquet` … | `_refused.csv` |

Where no row is refused, there is no file of refused rows. The output is put in its place last, so that it is never seen
beside the refused rows of another one.
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
_REFUSED = "_refused.csv"  # in a folder of Parquet, whose readers pass over names with `_` in front
_WHOLE = "whole"  # in the folder of the parts: what is put together


def is_file(out: Path) -> bool:
    """Tell whether an output of this name is a file; else it is a folder."""
    return out.suffix.lower() in (PARQUET, CSV)


def refused_path(out: Path) -> Path:
    """Say where the refused rows go."""
    return out.with_name(f"{out.name}.refused.csv") if is_file(out) else out / _REFUSED


def check_place(out: Path, files: Sequence[str]) -> None:
    """Check that the output can be put there.

    Args:
        out: the place.
        files: that are predicted.

    Raises:
        BatchPredictionError: It would replace one of the files; a folder is there where a file is to be, or the other
            way round, or a folder that is not empty.
    """
    taken = {Path(file).resolve() for file in files} & {out.resolve(), refused_path(out).resolve()}
    if taken:
        raise BatchPredictionError(f"{out}: expected another place than that of the rows, received {taken.pop()}.")
    if is_file(out):
        if out.is_dir():
            raise BatchPredictionError(f"{out}: expected a file or nothing there, received a folder; name another.")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BatchPredictionError(
            f"{out}: expected no such folder, or an empty one, received one that holds something, or a file; name "
            f"another, or remove it. A name that ends in {PARQUET} or {CSV} asks for one file."
        )


def put_in_place(parts: PartFiles, shards: int, out: Path) -> None:
    """Make the output of all parts; replaces a file that is there.

    Raises:
        OSError: The disk is full, or the place cannot be written.
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
    """Yield the rows a row group at a time, so that memory does not grow with them."""
    for file in files:
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                yield opened.read_row_group(group)


def _join_refused(files: Sequence[Path], made: Path) -> Path | None:
    """Put the refused rows together; None where there is none."""
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
