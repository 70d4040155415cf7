"""Blocks of rows hold the values that reading cell by cell finds, or raise what it raises, whatever the cells."""

import gzip
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from components.csv_example_gen import csv_blocks, typed_blocks
from components.csv_example_gen.csv_files import NO_RULES, CellKind, SourceError, check_csv, read_shard
from components.csv_example_gen.csv_values import Value
from components.csv_example_gen.example_records import serialize_rows
from components.csv_example_gen.file_contents import open_local
from components.csv_example_gen.file_parts import FilePart, explain_whole
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.row_copies import hash_rows, number_copies
from components.csv_example_gen.typed_blocks import read_typed
from serving.csv_text.number_formats import NumberFormat
from tests.components.csv_example_gen.row_by_row import encode, read

KINDS = {"i": CellKind.INT, "f": CellKind.FLOAT, "t": CellKind.BYTES, "d": CellKind.INT}
RULES = ReadingRules(kinds=KINDS, missing=frozenset({"N/A", "-999", "?"}), dates={"d": "%Y%m%d"})
USUAL: dict[str, list[str]] = {
    "i": ["1", "-7", "", "0", "9223372036854775807", "42", "8.0"],
    "f": ["1.5", "", "0.0", "-0.0", "1e5", "33", "-999", ".5", "1e-400"],
    "t": ["a", "", "Ä", "N/A", " b ", '"x, y"', '"two\nlines"', '"say ""a"""', '""', "\t"],
    "d": ["20240131", "20231201", ""],
}
UNUSUAL = [
    *(" 1", "1 ", "+1", "0x1F", "1_000", "nan", "inf", "1e400", "1e39", "007", "8.5", "9007199254740993.0", "1e3"),
    *("9223372036854775808", "x", "N/A", " N/A ", " -999", "-999.0", "?", "１", "-", "1,5", '"1"', '"1"x', 'a"b', '"'),
    *("a\rb", '"a\rb"', "\0", "\x1c", "\u00a0", "20241331", "1;2", "'", "1e22", "-0", "Infinity", "NaN(1)", "."),
]
usual_rows = st.tuples(*(st.sampled_from(cells) for cells in USUAL.values()))
faulty_rows = st.tuples(*(st.sampled_from([*cells, *UNUSUAL]) for cells in USUAL.values()))


def outcome(function: Any) -> Any:
    """What a function returns, or the message of its error."""
    try:
        return function()
    except SourceError as error:
        return str(error)


def values(columns: list[pa.Array]) -> list[tuple[Value, ...]]:
    decoded = [column.to_pylist() for column in columns]
    return list(zip(*decoded, strict=True))


def read_by_blocks(file: str, kinds: dict[str, CellKind], rules: ReadingRules) -> list[tuple[Value, ...]]:
    return [row for block in read_typed(file, kinds, rules=rules) for row in values(block.columns)]


def bits(rows: Any) -> Any:
    """Rows that compare 0.0 with -0.0 as different."""
    if isinstance(rows, str):
        return rows
    return [[(value, math.copysign(1, value)) if isinstance(value, float) else value for value in row] for row in rows]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(usual_rows, min_size=1, max_size=6),
    faulty=st.lists(faulty_rows, max_size=2),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    missing=st.sampled_from([RULES.missing, frozenset()]),
)
@example(rows=[("0x1F", "1", "a", "")], faulty=[], end="\n", missing=frozenset())
@example(rows=[("1", " -999", "a", "")], faulty=[], end="\n", missing=RULES.missing)
@example(rows=[("1", "1", 'a"b', "")], faulty=[("1", "1", '"two\nlines"', "")], end="\n", missing=frozenset())
@example(rows=[("1", "nan", "a", "")], faulty=[], end="\n", missing=frozenset())
@example(rows=[("1", "1", "a\rb", "")], faulty=[], end="\n", missing=frozenset())
def test_whatever_the_cells(
    tmp_path: Path, rows: list[tuple[str, ...]], faulty: list[tuple[str, ...]], end: str, missing: frozenset[str]
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(end.join([",".join(KINDS), *map(",".join, [*rows, *faulty]), ""]).encode())
    rules = ReadingRules(kinds=KINDS, missing=missing)
    expected = outcome(lambda: read(str(file), KINDS, rules))
    with pytest.MonkeyPatch.context() as patched:
        for size in (1 << 20, 24):  # All rows in one block; a row or two in each.
            patched.setattr(csv_blocks, "BLOCK_BYTES", size)
            found = outcome(lambda: read_by_blocks(str(file), KINDS, rules))
            if len(faulty) > 1 and isinstance(expected, str):
                assert isinstance(found, str)  # Of several faults another may come first.
            else:
                assert bits(found) == bits(expected)


@pytest.mark.parametrize("size", [1 << 20, 24])
def test_a_byte_order_mark_where_a_block_begins_is_text_of_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Exports that were joined have one in the middle; Arrow leaves it out wherever it begins to read."""
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", size)
    file = tmp_path / "rows.csv"
    file.write_text("\ufefft,i\n\ufeffa,1\n" + "\ufeffa,2\n" * 10 + "a,3\n")
    kinds = {"t": CellKind.BYTES, "i": CellKind.INT}
    expected = [("\ufeffa".encode(), 1), *[("\ufeffa".encode(), 2)] * 10, (b"a", 3)]
    assert read_by_blocks(str(file), kinds, ReadingRules(kinds=kinds)) == expected


def test_usual_cells_take_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of every kind: spellings of missing, quotes, `8.0` for a whole number, a number format."""
    monkeypatch.setattr(typed_blocks, "batch_records", None)
    file = tmp_path / "rows.csv"
    rows = ['1,1.5,"x, y",20240131,"1.234,50 €"', '8.0,-999,"two\nlines",,"2,00 €"', 'N/A,?,"say ""a""",20231201,']
    file.write_text("\n".join(["i,f,t,d,p", *rows]) + "\n")
    kinds = {**KINDS, "p": CellKind.FLOAT}
    formats = {"p": NumberFormat(thousands=".", decimal=",", sign="€")}
    rules = ReadingRules(kinds=kinds, missing=RULES.missing, formats=formats, dates=RULES.dates)
    assert read_by_blocks(str(file), kinds, rules) == [
        (1, 1.5, b"x, y", 20240131, 1234.5),
        (8, None, b"two\nlines", None, 2.0),
        (None, None, b'say "a"', 20231201, None),
    ]


def test_parquet_has_the_values_of_its_cells(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.parquet")
    columns: dict[str, Any] = {
        "i": pa.array([1, None, -999, 2**62]),
        "whole": pa.array([1.0, None, -999.0, float("nan")]),
        "f": pa.array([0.1, None, float("nan"), -999.0], pa.float32()),
        "t": pa.array(["a", None, "N/A", "a"]).dictionary_encode(),
        "b": pa.array([True, None, False, True]),
        "day": pa.array([19_000, None, 19_001, 19_000], pa.date32()),
    }
    pq.write_table(pa.table(columns), file, row_group_size=3)
    kinds = {"i": CellKind.INT, "whole": CellKind.INT, "f": CellKind.FLOAT, "t": CellKind.BYTES}
    kinds |= {"b": CellKind.BYTES, "day": CellKind.BYTES}
    for missing in (frozenset[str](), frozenset({"-999", "N/A"})):
        rules = ReadingRules(kinds=kinds, missing=missing)
        assert read_by_blocks(file, kinds, rules) == read(file, kinds, rules)


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_shards_hold_all_rows_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 12)
    texts = ["a", "two\nlines", 'say "a"', None, "Ä"]
    table = pa.table({"n": list(range(4_000)), "t": [texts[row % 5] for row in range(4_000)]})
    file = tmp_path / f"rows.{ending}"
    if ending == "parquet":
        pq.write_table(table, file, row_group_size=500, compression="NONE", use_dictionary=False)
    else:
        table.to_pandas().to_csv(file, index=False)
    found = check_csv(
        file,
        rules=ReadingRules(kinds={"n": CellKind.INT, "t": CellKind.BYTES}),
        hash_equal_rows=True,
        shard_bytes=1 << 13,
    )
    by_shard = [
        [row for block in read_shard(shard, found.columns, found.rules, open_local) for row in values(block.columns)]
        for shard in found.shards
    ]
    assert (len(found.shards) == 1) == (ending == "csv.gz")  # A reader would have to unpack all before its place.
    assert [row for rows in by_shard for row in rows] == read(str(file), found.columns, NO_RULES)
    assert [len(rows) for rows in by_shard] == [shard.rows for shard in found.shards]
    assert found.rows == len(found.row_hashes) == 4_000  # type: ignore[arg-type]


def test_a_part_ends_where_it_was_cut_when_it_is_read_line_by_line(tmp_path: Path) -> None:
    head, rows, rest = b"n,t\n", b'1,"a\rb"\n2,c\n', b"3,d\n"
    (tmp_path / "rows.csv").write_bytes(head + rows + rest)
    part = FilePart(file=str(tmp_path / "rows.csv"), begin=len(head), end=len(head + rows), first=2, size=len(rows))
    kinds = {"n": CellKind.INT, "t": CellKind.BYTES}
    found = [row for block in read_typed(part, kinds, rules=NO_RULES) for row in values(block.columns)]
    assert found == [(1, b"a\rb"), (2, b"c")]


def test_what_one_worker_reads_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 8)
    rows = ["n,t", *(f"{row},text" for row in range(400))]
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    (tmp_path / "plain.csv").write_text("\n".join(rows))
    (tmp_path / "quotes.csv").write_text("\n".join([*rows, '7,5" nails', *rows[1:]]))
    found = check_csv(tmp_path, shard_bytes=1 << 9)
    told = explain_whole(found.shards, 1 << 9)
    assert [reason.split(": one worker")[0] for reason in told] == [
        str(tmp_path / name) for name in ("packed.csv.gz", "quotes.csv")
    ]
    assert len(found.shards) == 13
    again = [row for block in found.read(open_local) for row in values(block.columns)]
    assert again == [row for file in found.files for row in read(file, found.columns, NO_RULES)]
    assert len(again) == 1_601


def test_a_fault_in_a_later_shard_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 10)
    file = tmp_path / "rows.csv"
    file.write_text("f,t\n" + '1,"two\nlines"\n' * 1_000 + "x,a\n")
    with pytest.raises(SourceError, match=r"rows\.csv, line 2002, column `f`: expected FLOAT, received 'x'\."):
        check_csv(file, rules=ReadingRules(kinds={"f": CellKind.FLOAT}))


numbers = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300))
floats = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))
texts = st.one_of(st.none(), st.binary(min_size=1, max_size=20), st.just(b"x" * 130))


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(numbers, floats, texts, st.none()), min_size=1, max_size=8))
@example(rows=[(-(2**63), 0.1, b"y" * 20_000, None)])
@example(rows=[(0, 0.0, b"a", None), (0, -0.0, b"a", None), (None, 0.0, b"a", None), (0, 0.0, b"a", None)])
def test_records_and_equal_rows_are_those_of_protocol_buffers(rows: list[tuple[Value, ...]]) -> None:
    kinds = {"z": CellKind.INT, "名": CellKind.FLOAT, "a" * 130: CellKind.BYTES, "gap": CellKind.EMPTY}
    types = [pa.int64(), pa.float64(), pa.binary(), pa.null()]
    columns = [pa.array(column, of) for column, of in zip(zip(*rows, strict=True), types, strict=True)]
    columns[2] = columns[2].dictionary_encode()
    expected = [encode(row, kinds) for row in rows]
    assert serialize_rows(kinds, columns).to_pylist() == expected
    copies = number_copies(hash_rows(kinds, columns))
    assert copies.tolist() == [expected[:row].count(record) for row, record in enumerate(expected)]
