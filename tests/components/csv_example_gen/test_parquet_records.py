"""Parquet files are read as CSV files of the same rows."""

import datetime
import decimal
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.csv_example_gen.csv_files import NO_RULES, CellKind, SourceError, check_csv, read_columns
from components.csv_example_gen.reading_rules import ReadingRules

MOMENT = datetime.datetime(2024, 4, 12, 18, 30)
COLUMNS: dict[str, tuple[pa.Array, CellKind, list[Any]]] = {
    "int": (pa.array([1, None, 3]), CellKind.INT, [1, None, 3]),
    "small": (pa.array([1, None, 255], pa.uint8()), CellKind.INT, [1, None, 255]),
    "double": (pa.array([0.1, float("nan"), 1e-300]), CellKind.FLOAT, [0.1, None, 1e-300]),
    "single": (pa.array([0.1, None, 0.5], pa.float32()), CellKind.FLOAT, [float(np.float32(0.1)), None, 0.5]),
    "decimal": (
        pa.array([decimal.Decimal("1234.50"), None, decimal.Decimal("0.01")]),
        CellKind.FLOAT,
        [1234.5, None, 0.01],
    ),
    "string": (pa.array(["a, b", None, ""]), CellKind.BYTES, [b"a, b", None, None]),
    "category": (pa.array(["x", "y", None]).dictionary_encode(), CellKind.BYTES, [b"x", b"y", None]),
    "bool": (pa.array([True, False, None]), CellKind.BYTES, [b"True", b"False", None]),
    "date": (pa.array([MOMENT.date(), None, None]), CellKind.BYTES, [b"2024-04-12", None, None]),
    "time": (pa.array([MOMENT, None, None]), CellKind.BYTES, [b"2024-04-12T18:30:00", None, None]),
    "zone": (
        pa.array([MOMENT, None, None], pa.timestamp("ns", "UTC")),
        CellKind.BYTES,
        [b"2024-04-12T18:30:00+00:00", None, None],
    ),
    "null": (pa.nulls(3), CellKind.EMPTY, [None, None, None]),
}


def test_every_type_that_has_a_meaning(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.PARQUET")
    pq.write_table(pa.table({name: column[0] for name, column in COLUMNS.items()}), file)
    found = check_csv(file)
    assert found.rows == 3
    assert found.columns == {name: column[1] for name, column in COLUMNS.items()}
    assert list(read_columns(file, found.columns, rules=NO_RULES)) == [[column[2] for column in COLUMNS.values()]]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([[1, 2]]), r"list<\w+: int64>"),
        (pa.array([{"a": 1}]), "struct<a: int64>"),
        (pa.array([b"x"]), "binary"),
        (pa.array([datetime.time(4)]), r"time64\[us\]"),
        (pa.array([datetime.timedelta(1)]), r"duration\[us\]"),
    ],
)
def test_a_type_that_has_none(tmp_path: Path, values: pa.Array, kind: str) -> None:
    pq.write_table(pa.table({"n": pa.array([1]), "x": values}), tmp_path / "rows.parquet")
    with pytest.raises(
        SourceError, match=rf"rows\.parquet, column `x`: expected numbers, strings, .* received {kind}\."
    ):
        check_csv(tmp_path / "rows.parquet")


def test_the_contract_types_it(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table({"a": [1, 2], "b": [1.0, None], "c": [7, 8], "d": ["1.5", "2"]}), file)
    kinds = {"a": CellKind.FLOAT, "b": CellKind.INT, "c": CellKind.BYTES, "d": CellKind.FLOAT}
    columns = check_csv(file, rules=ReadingRules(kinds=kinds)).columns
    assert list(read_columns(file, columns, rules=NO_RULES)) == [[[1.0, 2.0], [1, None], [b"7", b"8"], [1.5, 2.0]]]


def test_a_value_that_has_not_the_contracts_type_names_its_row(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0] * 1500 + [1.5]}), tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match=r"rows\.parquet, row 1501, column `a`: expected INT, received '1\.5'"):
        check_csv(tmp_path / "rows.parquet", rules=ReadingRules(kinds={"a": CellKind.INT}))


def test_what_pandas_writes_is_read_as_its_csv_is(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1, 2, 3], "x": [0.1, None, 2.5], "city": ["Graz", None, "Lyön"]})
    for kind in ("csv", "csv.gz", "parquet"):
        (tmp_path / kind).mkdir()
    frame.to_csv(tmp_path / "csv" / "rows.csv", index=False)
    frame.to_csv(tmp_path / "csv.gz" / "rows.csv.gz", index=False)
    frame.to_parquet(tmp_path / "parquet" / "rows.parquet", index=False)
    read = []
    for kind in ("csv", "csv.gz", "parquet"):
        found = check_csv(tmp_path / kind)
        read.append((found.columns, list(read_columns(found.files[0], found.columns, rules=NO_RULES))))
    assert read[0] == read[1] == read[2]
    frame.to_parquet(tmp_path / "csv" / "more.parquet", index=False)
    assert check_csv(tmp_path / "csv").rows == 6


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.parquet",
            b"a,b\n1,2\n",
            r"the name ends in \.parquet, and the file holds something else\. Expected b'PAR1'",
        ),
        ("a.parquet", b"PAR1 and no more", r"a\.parquet: cannot be read as Parquet: "),
        ("a.csv.gz", b"a,b\n1,2\n", r"the name ends in \.gz, and the file holds something else"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n1,2\n" * 99)[:-20],
            r"a\.csv\.gz: cannot be unpacked: .* damaged: copy it again",
        ),
        (
            "a.csv.gz",
            gzip.compress("a,b\n".encode("utf-16")),
            r"a\.csv\.gz: expected text in UTF-8, received text in UTF",
        ),
    ],
    ids=["no parquet", "cut off", "not packed", "cut off, packed", "packed utf-16"],
)
def test_a_file_that_is_not_what_its_name_says(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        check_csv(tmp_path / name)


@pytest.mark.parametrize(
    ("compression", "good", "bad"),
    [
        ("NONE", "ü".encode(), b"\xff\xff"),
        ("SNAPPY", "Zü".encode(), b"\xff\xff\xff"),
        ("NONE", b"PAR1\x15", b"PAR1\xff"),
    ],
    ids=["text that is no UTF-8", "a page that cannot be unpacked", "the head of a page"],
)
def test_a_damaged_file_is_named(tmp_path: Path, compression: str, good: bytes, bad: bytes) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"s": ["Zürich"] * 50}), file, compression=compression, use_dictionary=False)
    content = file.read_bytes()
    assert good in content
    file.write_bytes(content.replace(good, bad))
    with pytest.raises(SourceError, match=r"rows\.parquet: cannot be read as Parquet: .*\. Write the file again\.$"):
        check_csv(file)


def test_a_date_that_python_cannot_hold(tmp_path: Path) -> None:
    pq.write_table(pa.table({"d": pa.array([4_000_000], pa.int32()).cast(pa.date32())}), tmp_path / "rows.parquet")
    with pytest.raises(SourceError, match=r"rows\.parquet: expected dates and timestamps of the years 1 to 9999, rec"):
        check_csv(tmp_path / "rows.parquet")
