"""Checks a split by what was written, whoever decided on the sides: how many rows there are, and whose."""

import math
from collections.abc import Iterator, Sequence

import pyarrow as pa
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from components.csv_example_gen import moments
from components.csv_example_gen.row_split import KeySplit, RowSplit, Split, TimeSplit
from components.tfrecords import read_chunks

_STANDARD_ERRORS = 5  # of a share; chance gets there once in two million
_SHOWN = 3


class SplitCheckError(ValueError):
    """Rows stand on the wrong side. The fault is ExampleGen's, not the data's."""


def check_shares(split: Split, train_rows: int, eval_rows: int) -> None:
    """Compare the rows of a split by row with the stated share.

    A split by key or time was compared when it was planned.

    Raises:
        SplitCheckError: They differ by more than chance.
    """
    if not isinstance(split, RowSplit):
        return
    rows, share = train_rows + eval_rows, split.eval_share
    bound = _STANDARD_ERRORS * math.sqrt(rows * share * (1 - share)) + 1
    if abs(eval_rows - share * rows) > bound:
        raise SplitCheckError(
            f"split {split}: expected {share * rows:,.0f} of {rows:,} rows in eval, {bound:,.0f} more or less, "
            f"received {eval_rows:,}. The fault is not in the data: the rows were split wrongly. Report it."
        )


def check_sides(split: Split, train: Sequence[str], evaluation: Sequence[str], written: str = "") -> None:
    """Read back the column that a split goes by, and looks whether each side holds what it should.

    Args:
        split: as the task states it; nothing is read for one by row.
        train: the files that were written, gzipped TFRecords of tf.Examples.
        evaluation: likewise.
        written: how the contract says that the column of a split by time is written.

    Raises:
        SplitCheckError: A key stands on both sides, or a row in train is newer than one in eval.
    """
    if isinstance(split, KeySplit):
        if shared := set(_values(split, train)) & set(_values(split, evaluation)):
            shown = ", ".join(str(key) for key in sorted(shared, key=str)[:_SHOWN])
            raise SplitCheckError(
                f"split {split}: expected no key on both sides, received {len(shared):,}, such as {shown}: what the "
                "model saw of them in train would flatter it in eval. The fault is not in the data. Report it."
            )
    elif isinstance(split, TimeSplit):
        newest = max(moments.read_moment(value, written) for value in _values(split, train))
        oldest = min(moments.read_moment(value, written) for value in _values(split, evaluation))
        if newest > oldest:  # A FLOAT is stored as float32, where neighbours in time may become equal.
            raise SplitCheckError(
                f"split {split}: expected all of eval to be as new as train or newer, received {newest:,} in train "
                f"and {oldest:,} in eval. The fault is not in the data. Report it."
            )


def _values(split: KeySplit | TimeSplit, files: Sequence[str]) -> Iterator[float | bytes]:
    """Yield the values of a split's column; those that stand together, each once."""
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
