"""The line of each row, however the file is written."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.batch_predictor.rows import read_rows
from components.batch_predictor.shards import plan_shards
from components.csv_example_gen import csv_blocks
from components.csv_example_gen.file_contents import SourceError

TEXT = 'a,b\n1,x\n2,"two\nlines"\n\n3,y\n4\n5,z\n'
ROWS = [(2, "1", "x"), (3, "2", "two\nlines"), (6, "3", "y"), (8, "5", "z")]


def read(file: Path, shard_bytes: int = 1 << 20) -> tuple[list[tuple[int, object, object]], list[int]]:
    rows, ragged = [], []
    for shard in plan_shards([str(file)], shard_bytes):
        for block in read_rows(shard, ["a", "b"]):
            columns = [cells.to_pylist() for cells in block.cells]
            rows += list(zip(block.lines.tolist(), *columns, strict=True))
            ragged += [refusal.line for refusal in block.ragged]
    return rows, ragged


def test_quoted_line_breaks_blank_lines_and_ragged_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(TEXT)
    assert read(file) == (ROWS, [7])
    file.write_text(TEXT.replace("4\n", ""))  # which Arrow reads
    assert read(file)[0] == [*ROWS[:3], (7, "5", "z")]


def test_packed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(TEXT.encode()))
    assert read(file) == (ROWS, [7])


def test_shards_do_not_change_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b\n" + "".join(f'{i},"cell {i}{chr(10) if i % 7 == 0 else " "}end"\n' for i in range(500)))
    whole = read(file)
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 512)
    assert len(plan_shards([str(file)], 1000)) > 5
    assert read(file, 1000) == whole
    assert [row[1] for row in whole[0]] == [str(i) for i in range(500)]
    assert whole[0][8][0] == 2 + 8 + 2  # two cells with a line break before it


def test_parquet_counts_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]}), file, row_group_size=2)
    assert len(plan_shards([str(file)], 1)) == 2
    assert read(file, 1) == ([(1, 1, "x"), (2, 2, None), (3, 3, "z")], [])


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('a,b\n1,"x\n2,y\n')
    with pytest.raises(SourceError, match="line 2: a double quote opens a cell and none closes it"):
        read(file)
