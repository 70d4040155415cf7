"""tf.Examples as rows: every type, missing values, several values."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components import tfrecords
from components.row_keys import make_row_keys
from pipelines.runs import RunError
from pipelines.runs.examples import (
    read_record_chunks,
    read_records,
    read_transformed,
    split_stacked,
    to_frame,
    use_numpy_integers,
)
from tests.handmade import CONTRACT, OPTIONAL, ROWS, add_row_key, to_example, write_records


@pytest.fixture(params=[8192, 1], ids=["at once", "one by one"])
def decoded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows are decoded together: one alone may have no value of a column, or one where others have two."""
    monkeypatch.setattr(tfrecords, "CHUNK_ROWS", request.param)


@pytest.mark.usefixtures("decoded")
def test_rows_come_back_as_they_were_written() -> None:
    frame = to_frame([to_example(row) for row in ROWS], CONTRACT)
    assert list(frame) == [feature.name for feature in CONTRACT.feature]
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "fare": "float32",
        "hour": "Int64",
        "payment": "object",
        "miles": "float32",
        "seconds": "Int64",
        "company": "object",
        "tips": "float32",
    }
    for name in frame:
        missing = [row[name] is None for row in ROWS]
        assert frame[name].isna().tolist() == missing
        assert any(missing) == (name in OPTIONAL)
        expected = [row[name] for row in ROWS if row[name] is not None]
        found = frame[name].dropna().tolist()
        assert found == (np.float32(expected).tolist() if isinstance(expected[0], float) else expected)


def test_no_rows_keep_the_columns() -> None:
    frame = to_frame([], CONTRACT)
    assert len(frame) == 0
    assert list(frame) == [feature.name for feature in CONTRACT.feature]


@pytest.mark.usefixtures("decoded")
def test_several_values_are_a_list_and_an_empty_feature_is_missing() -> None:
    schema = text_format.Parse('feature { name: "a" type: INT } feature { name: "b" type: BYTES }', schema_pb2.Schema())
    records = [to_example({"a": [1, 2], "b": "x"}), to_example({"a": [3]}), to_example({"b": []})]
    frame = to_frame(records, schema)
    assert frame["a"].tolist() == [[1, 2], [3], None]
    assert frame["b"].tolist() == ["x", None, None]


def test_a_string_that_is_not_utf_8_is_spelled_out() -> None:
    schema = text_format.Parse('feature { name: "b" type: BYTES }', schema_pb2.Schema())
    assert to_frame([to_example({"b": b"caf\xe9"}), to_example({"b": "café"})], schema)["b"].tolist() == [
        r"caf\xe9",
        "café",
    ]


def test_whole_integers_without_missing_values_are_numpys() -> None:
    frame = pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": pd.array([1, None], dtype="Int64")})
    assert [str(dtype) for dtype in use_numpy_integers(frame).dtypes] == ["int64", "Int64"]


def test_stacked_features_have_columns_of_their_own() -> None:
    types = {"codes": "INT", "label": "INT", "numbers": "FLOAT"}
    written = " ".join(f'feature {{ name: "{name}" type: {kind} }}' for name, kind in types.items())
    schema = text_format.Parse(written, schema_pb2.Schema())
    records = [
        to_example({"codes": [1, 2], "label": 1, "numbers": 0.1}),
        to_example({"codes": [3, 4], "label": 0, "numbers": 0.2}),
    ]
    parts = {"codes": ["weekday", "month"], "numbers": ["fare_scaled"]}
    found = split_stacked(use_numpy_integers(to_frame(records, schema)), parts)
    assert {name: (str(column.dtype), column.tolist()) for name, column in found.items()} == {
        "weekday": ("int64", [1, 3]),
        "month": ("int64", [2, 4]),
        "label": ("int64", [1, 0]),
        "fare_scaled": ("float32", np.float32([0.1, 0.2]).tolist()),
    }


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "Split-eval"
    folder.mkdir()
    for number in (2, 0, 4, 1, 3):  # no order in which a file system would list them by itself
        write_records(folder / f"data-0000{number}-of-00005.gz", [b"b%d" % number, b"a%d" % number])
    assert read_records(tmp_path, "eval") == [b"b0", b"a0", b"b1", b"a1", b"b2", b"a2", b"b3", b"a3", b"b4", b"a4"]
    with pytest.raises(
        RunError, match=r"^no rows in \S+: expected a split that is one of \['eval'\], received 'test'$"
    ):
        read_records(tmp_path, "test")


def test_transformed_rows_stand_where_their_raw_rows_do(tmp_path: Path) -> None:
    raw = [to_example({"x": number}) for number in (3, 1, 2)]
    transformed = [add_row_key(row, key) for row, key in zip(raw, make_row_keys(raw), strict=True)]
    for name, rows in (("raw", raw), ("transformed", [transformed[2], transformed[0], transformed[1]])):
        (tmp_path / name / "Split-eval").mkdir(parents=True)
        write_records(tmp_path / name / "Split-eval" / "rows.gz", rows)
    assert read_transformed(tmp_path / "raw", tmp_path / "transformed", "eval") == transformed


@pytest.mark.parametrize("every", [1, 2, 3, 7, 20])
def test_the_first_of_each_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    monkeypatch.setattr(tfrecords, "CHUNK_ROWS", 4)
    folder = tmp_path / "Split-eval"
    folder.mkdir()
    rows = [b"%d" % number for number in range(15)]
    write_records(folder / "data-00000-of-00002.gz", rows[:6])
    write_records(folder / "data-00001-of-00002.gz", rows[6:])
    assert read_records(tmp_path, "eval", every) == rows[::every]
    chunks = list(read_record_chunks(tmp_path, "eval", every))
    assert [row for chunk in chunks for row in chunk] == rows[::every]
    assert all(len(chunk) == 4 for chunk in chunks[:-1])
