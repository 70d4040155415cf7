"""Joining the rows of spans."""

from pathlib import Path

import pytest
import tensorflow as tf

from components.span_examples.component import copy_files, first_evaluated, largest_errors
from components.tfrecords import read_records


@pytest.mark.parametrize(
    ("rows", "least", "place"),
    [
        ([400, 400, 400], 400, 2),
        ([400, 400, 399], 400, 1),
        ([400, 400, 79, 58], 1000, 0),
        ([400, 500, 500], 1000, 1),
        ([5], 1000, 0),
        ([400, 500, 500], 0, 0),  # all
    ],
)
def test_eval_takes_the_newest_spans_until_there_are_rows_enough_or_all(
    rows: list[int], least: int, place: int
) -> None:
    assert first_evaluated(rows, least) == place


def test_of_several_spans_the_largest_rounding_is_told() -> None:
    assert largest_errors([{"fare": 1e-8, "tips": 0.0}, {"fare": 2e-8, "tolls": 0.0}]) == {
        "fare": 2e-8, "tips": 0.0, "tolls": 0.0,
    }  # fmt: skip


def test_files_of_spans_become_those_of_one_split_in_their_order(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.gz" for name in "ba"]
    for file, records in zip(files, ([b"1", b"2"], [b"3"]), strict=True):
        with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
            for record in records:
                writer.write(record)
    (tmp_path / "split").mkdir()
    copy_files(files, tmp_path / "split")
    copied = sorted((tmp_path / "split").iterdir())
    assert [file.name for file in copied] == [f"data_tfrecord-0000{number}-of-00002.gz" for number in range(2)]
    assert read_records(list(map(str, copied))) == [b"1", b"2", b"3"]
