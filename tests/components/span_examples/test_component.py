"""Joining the rows of spans."""

import os
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from components.artifact_files import list_files, list_split_files
from components.span_examples.component import SpanExamples, copy_files, first_evaluated, largest_errors
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


@pytest.mark.parametrize("on_disk", [True, False], ids=["on disk", "elsewhere"])
def test_files_of_spans_become_those_of_one_split_in_their_order(tmp_path: Path, ram: str, on_disk: bool) -> None:
    folder = str(tmp_path) if on_disk else ram
    files = [f"{folder}/{name}.gz" for name in "ba"]
    for file, records in zip(files, ([b"1", b"2"], [b"3"]), strict=True):
        with tf.io.TFRecordWriter(file, "GZIP") as writer:
            for record in records:
                writer.write(record)
    copy_files(files, f"{folder}/split")
    copied = list_files(f"{folder}/split")
    assert [os.path.basename(file) for file in copied] == [f"data_tfrecord-0000{i}-of-00002.gz" for i in range(2)]
    assert read_records(copied) == [b"1", b"2", b"3"]


def test_spans_on_any_file_system_are_gathered(ram: str) -> None:
    spans = []
    for number in (16161, 16071):
        span = standard_artifacts.Examples()
        span.uri, span.split_names = f"{ram}/{number}", '["train", "eval"]'
        for name, value in (("span", number), ("version", 0), ("rows_train", 1), ("rows_eval", 1)):
            span.set_int_custom_property(name, value)
        span.set_string_custom_property("float32_errors", "{}")
        for split in ("train", "eval"):
            fileio.makedirs(f"{span.uri}/Split-{split}")
            with tf.io.TFRecordWriter(f"{span.uri}/Split-{split}/data.gz", "GZIP") as writer:
                writer.write(f"{split} {number}".encode())
        spans.append(span)
    gathered = standard_artifacts.Examples()
    gathered.uri = f"{ram}/gathered"
    SpanExamples.test_call(spans=spans, examples=gathered, min_eval_rows=1, code_digest="")
    assert read_records(list_split_files(gathered, "train")) == [b"train 16071", b"train 16161"]
    assert read_records(list_split_files(gathered, "eval")) == [b"eval 16161"]
