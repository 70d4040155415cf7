"""Check the splits that were written: their shares of the rows, and the keys or times on each side."""

import math
from collections.abc import Iterator, Sequence

import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from components.csv_example_gen import moments
from components.csv_example_gen.row_split import KeySplit, RowSplit, Split, TimeSplit
from components.tfrecords import read_chunks

_STANDARD_ERRORS = 5  # of a share; larger differences occur by chance once in two million splits
_SHOWN = 3


class SplitCheckError(ValueError):
    """Rows were written to the wrong side. The fault is in ExampleGen, not in the data."""


def check_shares(split: Split, train_rows: int, eval_rows: int) -> None:
    """Compare the shares of rows of a split by row with the intended share; other splits were compared when planned.

    Args:
        split: the split.
        train_rows: number of rows in train.
        eval_rows: number of rows in eval.

    Raises:
        SplitCheckError: The share of eval differs by more than chance.
    """
    if not isinstance(split, RowSplit):
        return
    rows, share = train_rows + eval_rows, split.eval_share
    bound = _STANDARD_ERRORS * math.sqrt(rows * share * (1 - share)) + 1
    if abs(eval_rows - share * rows) > bound:
        raise SplitCheckError(
            f"split {split}: expected {share * rows:,.0f} of {rows:,} rows in eval, {bound:,.0f} more or less, "
            f"received {eval_rows:,}. The fault is not in the data. Report it."
        )


def check_sides(split: Split, train: Sequence[str], evaluation: Sequence[str], written: str = "") -> None:
    """Read the split's column from the written files and check that each row is on the right side.

    Args:
        split: the split; for a split by row nothing is read.
        train: files of train, gzipped TFRecords of tf.Examples.
        evaluation: files of eval.
        written: the contract's format of dates in the column of a split by time; empty if it has none.

    Raises:
        SplitCheckError: A key is on both sides, or a row in train is newer than one in eval.
    """
    if isinstance(split, KeySplit):
        if shared := set(_values(split, train)) & set(_values(split, evaluation)):
            shown = ", ".join(str(key) for key in sorted(shared, key=str)[:_SHOWN])
            raise SplitCheckError(
                f"split {split}: expected no key on both sides, received {len(shared):,}, such as {shown}, which would "
                "make metrics on eval too good. The fault is not in the data. Report it."
            )
    elif isinstance(split, TimeSplit):
        newest = max(moments.read_moment(value, written) for value in _values(split, train))
        oldest = min(moments.read_moment(value, written) for value in _values(split, evaluation))
        if newest > oldest:  # equal times are allowed: different ones may become the same float32
            raise SplitCheckError(
                f"split {split}: expected no row of train that is newer than a row of eval, received {newest:,} in "
                f"train and {oldest:,} in eval. The fault is not in the data. Report it."
            )


def _values(split: KeySplit | TimeSplit, files: Sequence[str]) -> Iterator[float | bytes]:
    """Yield the values of a split's column; a value that repeats within a chunk of rows is yielded once for it."""
    decoder = ExamplesToRecordBatchDecoder()
    for chunk in read_chunks(files):
        rows = decoder.DecodeBatch(chunk.tolist())
        place = rows.schema.get_field_index(split.column)
        values = rows.column(place).flatten() if place >= 0 else pa.array([])
        if len(values) != len(chunk):
            raise SplitCheckError(
                f"split {split}: expected one value of {split.column} in each row that was written, received "
                f"{len(values):,} in {len(chunk):,} rows. The fault is not in the data. Report it."
            )
        yield from values.unique().to_pylist()
