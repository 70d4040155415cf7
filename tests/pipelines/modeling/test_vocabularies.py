"""What a vocabulary leaves out of the rows that it was made from."""

import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import tensorflow as tf

from pipelines.modeling.vocabularies import Coverage, VocabularyError, as_lines, measure_coverage, read_vocabulary
from tests.handmade import to_example, write_records


@pytest.fixture
def transform() -> Any:
    """As if Transform had made one vocabulary."""
    fake = mock.Mock()
    fake.raw_feature_spec.return_value = {
        "color": tf.io.VarLenFeature(tf.string),
        "size": tf.io.FixedLenFeature([1], tf.int64),
    }
    fake.vocabulary_file_by_name = {"color_id": "color_id"}.get
    fake.vocabulary_by_name = {"color_id": [b"red", rb"a\nb", rb"\e"]}.__getitem__
    return fake


def write(path: Path, *colors: object) -> str:
    return write_records(path, [to_example({"color": color, "size": 1}) for color in colors])


def test_counts_strings_and_rows_over_all_files(transform: Any, tmp_path: Path) -> None:
    one = write(tmp_path / "1.gz", "red", "a\nb", "a\rb", None, "red", "a\rb")
    another = write(tmp_path / "2.gz", None, "green", ["red", "blue", "pink"], "(missing)")
    assert measure_coverage([one, another], {"color_id": "color"}, transform) == {
        "color_id": Coverage(column="color", known=2, left_out=5, left_out_share=0.5)
    }


def test_a_task_may_have_none(transform: Any) -> None:
    assert measure_coverage([], {}, transform) == {}


@pytest.mark.parametrize(
    ("vocabularies", "message"),
    [
        ({"colour_id": "color"}, "preprocessing_fn makes no vocabulary 'colour_id': expected one"),
        ({"color_id": "colour"}, "color_id is made of 'colour': expected a column of strings, received no such column"),
        ({"color_id": "size"}, "color_id is made of 'size': expected a column of strings, received int64"),
    ],
)
def test_refuses_what_is_not_there(vocabularies: dict[str, str], message: str, transform: Any) -> None:
    with pytest.raises(VocabularyError, match=re.escape(message)):
        measure_coverage([], vocabularies, transform)


STRINGS = [
    b"a\nb",
    b"a\rb",
    b"a\r\nb",
    rb"a\nb",
    rb"a\\nb",
    b"",
    b" ",
    b"\n",
    b"\\",
    rb"\e",
    b"a\0b",
    b"a\0",
    b"a",
    b"\xff\n\xfe",
]


def test_each_string_is_a_line_of_its_own_and_is_read_back(transform: Any) -> None:
    lines = as_lines(tf.constant(STRINGS)).numpy().tolist()
    assert len({*lines}) == len(STRINGS)
    assert not [line for line in lines if not line or b"\n" in line or b"\r" in line]
    transform.vocabulary_by_name = {"color_id": lines}.__getitem__
    assert read_vocabulary(transform, "color_id") == STRINGS


def test_a_sparse_column_stays_sparse() -> None:
    column = tf.SparseTensor([[0, 0], [2, 0]], [b"a\nb", b""], [3, 1])
    assert tf.sparse.to_dense(as_lines(column), b"missing").numpy().tolist() == [[rb"a\nb"], [b"missing"], [rb"\e"]]
