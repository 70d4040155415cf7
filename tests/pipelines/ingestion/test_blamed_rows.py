"""Which rows are to blame."""

import gzip
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.ingestion import blamed_rows
from pipelines.ingestion.blamed_rows import find_blamed_rows

SCHEMA = text_format.Parse(
    """
    feature { name: "fare" type: FLOAT presence { min_fraction: 1 } float_domain { min: 0 max: 1000 } }
    feature { name: "hour" type: INT int_domain { min: 0 max: 23 } }
    feature { name: "pay" type: BYTES domain: "pay" }
    feature { name: "day" type: BYTES annotation { tag: "date:%d.%m.%Y" } }
    string_domain { name: "pay" value: "Cash" value: "Card" }
    """,
    schema_pb2.Schema(),
)
ROWS = """fare,hour,pay,day
1.5,3,Cash,01.02.2014
x,3,Cash,
2000,24,Barter,31.02.2014
,,,
7,2.5,Card,02.02.2014
"""


def blamed(path: Path, columns: set[str] | None = None) -> list[tuple[int, str, str, str]]:
    found = find_blamed_rows([str(path)], SCHEMA, columns)
    assert found.total == len(found.cells)
    return sorted((cell.line, cell.column, cell.cell, cell.expected) for cell in found.cells)


def test_each_cell_that_breaks_a_rule_is_named_by_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    assert blamed(tmp_path / "rows.csv") == [
        (3, "fare", "x", "FLOAT"),
        (4, "day", "31.02.2014", "a date or time written %d.%m.%Y, such as 28.02.2022"),
        (4, "fare", "2000", "0 to 1000"),
        (4, "hour", "24", "0 to 23"),
        (4, "pay", "Barter", "one of the 2 values of its domain"),
        (5, "fare", "", "a value in every row"),
        (6, "hour", "2.5", "INT"),
    ]


def test_only_the_columns_that_were_refused_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    assert [cell[:2] for cell in blamed(tmp_path / "rows.csv.gz", {"hour", "other"})] == [(4, "hour"), (6, "hour")]
    assert blamed(tmp_path / "rows.csv.gz", set()) == []


def test_a_file_that_cannot_be_read_to_its_end_keeps_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blamed_rows, "MOST_ROWS", 1)
    good = "\n".join(["fare,hour,pay,day", *["9999,1,Cash,"] * 1100])
    (tmp_path / "rows.csv").write_text(f"{good}\n1,2\n")
    found = find_blamed_rows([str(tmp_path / "rows.csv")], SCHEMA)
    assert "line 1102: expected 4 cells" in found.unread
    assert (len(found.cells), found.total) == (1, 1024)  # whole batches of 1,024 rows
    assert str(found.cells[0]) == f"{tmp_path}/rows.csv, line 2, column fare: expected 0 to 1000, received '9999'"
