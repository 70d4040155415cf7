"""What a CSV source has to be, and what is said when it is not."""

import gzip
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from components.csv_example_gen import csv_blocks
from components.csv_example_gen.csv_files import (
    BATCH_ROWS,
    NO_RULES,
    CellKind,
    SourceError,
    check_csv,
    find_files,
    find_unread,
    locate,
    read_columns,
)
from components.csv_example_gen.reading_rules import ReadingRules

TYPES = {"fare": CellKind.FLOAT, "trip_miles": CellKind.FLOAT, "company": CellKind.BYTES}
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: str | bytes, name: str = "trips.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_summary_of_a_file(write: Write) -> None:
    file = write("fare,trip_miles,company,hour,gap\n1,2,7,3,\n4,,8,x,\n")
    summary = check_csv(file, rules=ReadingRules(kinds=TYPES))
    assert summary.files == (file,)
    assert summary.rows == 2
    assert summary.columns == {
        "fare": CellKind.FLOAT,
        "trip_miles": CellKind.FLOAT,
        "company": CellKind.BYTES,
        "hour": CellKind.BYTES,
        "gap": CellKind.EMPTY,
    }
    columns = list(read_columns(file, summary.columns, rules=NO_RULES))
    assert columns == [[[1.0, 4.0], [2.0, None], [b"7", b"8"], [b"3", b"x"], [None, None]]]


def test_without_expectations_the_narrowest_type_over_all_files_and_batches(write: Write, tmp_path: Path) -> None:
    write("a,b\n" + "1,1\n" * (BATCH_ROWS + 1) + "2.5,1\n", "1.csv")
    write("a,b\n1,x\n", "2.csv")
    summary = check_csv(tmp_path)
    assert summary.files == (str(tmp_path / "1.csv"), str(tmp_path / "2.csv"))
    assert summary.rows == BATCH_ROWS + 3
    assert summary.columns == {"a": CellKind.FLOAT, "b": CellKind.BYTES}


@pytest.mark.parametrize(
    "content",
    [
        *("a,b\n1,x\n", "a,b\r\n1,x\r\n", "a,b\n1,x", "\na,b\n\n1,x\n\n\n", '"a","b"\n"1","x"\n'),
        *("\ufeffa,b\n1,x\n", "a;b\n1;x\n", "a\tb\n1\tx\n", "sep=;\r\na;b\r\n1;x\r\n", '\ufeff"sep=|"\na|b\n1|x\n'),
    ],
    ids=[
        *("lf", "crlf", "no last newline", "blank lines", "quoted"),
        *("byte order mark", "semicolons", "tabs", "named separator", "all at once"),
    ],
)
def test_ways_to_write_the_same(write: Write, content: str) -> None:
    file = write(content)
    summary = check_csv(file)
    assert (summary.rows, summary.columns) == (1, {"a": CellKind.INT, "b": CellKind.BYTES})
    assert list(read_columns(file, summary.columns, rules=NO_RULES)) == [[[1], [b"x"]]]


def test_an_index_without_a_heading_has_pandas_name_for_it(write: Write) -> None:
    assert check_csv(write(",a\n0,x\n1,y\n")).columns == {"Unnamed: 0": CellKind.INT, "a": CellKind.BYTES}


def test_quotes_commas_and_line_breaks_in_a_cell(write: Write) -> None:
    file = write('a,b\n"x, ""y""\nz",1\n"",2\n')
    assert list(read_columns(file, check_csv(file).columns, rules=NO_RULES)) == [[[b'x, "y"\nz', None], [1, 2]]]


def test_a_folder_reads_what_is_named_like_rows_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    read = ["1.csv", "2.CSV", "3.Csv.gz", "4.tsv", "5.parquet"]
    for name in [*read, "notes.txt", "rows.xlsx", "1.csv.bak", ".hidden.csv", "csv"]:
        (tmp_path / name).touch()
    (tmp_path / "older").mkdir()
    for source in (tmp_path, tmp_path / "*"):
        assert find_files(source) == [str(tmp_path / name) for name in read]
        assert find_unread(source) == ["1.csv.bak", "csv", "notes.txt", "older", "rows.xlsx"]
    assert find_unread(tmp_path / "1.csv") == find_unread(tmp_path / "*.csv") == []


@pytest.mark.parametrize("copy", ["march.csv.gz", "march.parquet", "March.CSV", "march.tsv"])
def test_a_file_beside_its_own_copy_would_be_read_twice(write: Write, tmp_path: Path, copy: str) -> None:
    write("a\n1\n", "march.csv")
    write("a\n1\n", copy)
    with pytest.raises(
        SourceError, match=r": holds (march\.csv and|March\.CSV and) .* or its rows would be read twice"
    ):
        find_files(tmp_path)
    assert find_files(tmp_path / "march.csv") == [str(tmp_path / "march.csv")]


def test_a_glob_takes_what_it_names(write: Write, tmp_path: Path) -> None:
    file = write("a\n1\n", "march.txt")
    assert find_files(tmp_path / "m*") == [file]


def test_a_file_without_rows_beside_others_is_a_day_without_trips(write: Write, tmp_path: Path) -> None:
    write("a\n", "1.csv")
    write("a\n1\n", "2.csv")
    assert check_csv(tmp_path).rows == 1


def test_locate(write: Write, tmp_path: Path) -> None:
    assert locate(tmp_path) == (str(tmp_path), "*")
    assert locate(write("a\n1\n", "march[1].csv")) == (str(tmp_path), "march[[]1].csv")
    assert locate(tmp_path / "march*.csv") == (str(tmp_path), "march*.csv")
    assert check_csv(tmp_path / "march[1].csv").rows == 1


def test_a_folder_that_example_gen_would_take_for_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "2024[1]"
    folder.mkdir()
    (folder / "trips.csv").write_text("a\n1\n")
    for source in (folder, folder / "trips.csv"):
        with pytest.raises(SourceError, match=r"2024\[1\]: ExampleGen cannot read from a folder with one of \*\?\["):
            check_csv(source)


FAULTS: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "{file}: the file is empty. Expected a header line"),
    "blank lines only": ("\n\n", "{file}: the file is empty. Expected a header line"),
    "header only": ("fare,trip_miles\n", "{file}: a header and no rows. Expected at least one line of values"),
    "text in a number": (
        "fare,trip_miles\n" + "1,2\n" * 15 + "1,abc\n1,def\n",
        "{file}, line 17, column `trip_miles`: expected FLOAT, received 'abc'. Correct the cell, or leave it empty",
    ),
    "not a number": ("fare,x\nnan,1\n", "{file}, line 2, column `fare`: expected FLOAT, received 'nan'."),
    "long text in a number": ("fare,x\n" + "y" * 500 + ",1\n", f"expected FLOAT, received '{'y' * 59}…'."),
    "line after a break in a cell": ('company,fare\n"a\nb",1\nc,x\n', "{file}, line 4, column `fare`: expected FLOAT"),
    "broken encoding": (
        b"company,fare\nA,1\nCaf\xe9,2\n",
        "{file}, line 3, byte 4: expected text in UTF-8, received the byte 0xe9. "
        "In Windows-1252, which includes Latin-1, this reads 'Café,2': if that is right, save the file as UTF-8,",
    ),
    "broken encoding in the header": (b"caf\xe9,fare\nA,1\n", "{file}, line 1, byte 4: expected text in UTF-8"),
    "utf-16": (
        "fare,x\n1,2\n".encode("utf-16"),
        "{file}: expected text in UTF-8, received text in UTF-16. Save it as UTF-8, for example with `iconv -f",
    ),
    "utf-16 without a mark": (
        "fare,x\n1,2\n".encode("utf-16-le"),
        "{file}: expected text in UTF-8, received text in UTF-16.",
    ),
    "gzip": (gzip.compress(b"a,b\n1,2\n"), "{file}: expected text in UTF-8, received gzip data. Name it .csv.gz"),
    "excel": (b"PK\x03\x04\x14\x00", "{file}: expected text in UTF-8, received a ZIP archive, such as an Excel"),
    "parquet": (b"PAR1\x15\x04", "{file}: expected text in UTF-8, received a Parquet file. Name it .parquet."),
    "cell over the limit": (
        "a,b\n1,2\n1," + "x" * 140_000 + "\n",
        "{file}, line 3: a cell is longer than the limit of 131,072 characters; shorten it",
    ),
    "ragged, with semicolons": ("a;b\n1;2;3\n", "{file}, line 2: expected 2 cells, as in the header, received 3"),
    "nul": (b"a,b\n1,\0\n", "{file}, line 2, byte 3: expected text in UTF-8, received a NUL byte. The file is damaged"),
    "too many cells": ("a,b\n1,2\n1,2,3\n", "{file}, line 3: expected 2 cells, as in the header, received 3: '1,2,3'."),
    "too few cells": ("a,b\n\n1\n", "{file}, line 3: expected 2 cells, as in the header, received 1: '1'."),
    "repeated name": ("a,b,a\n1,2,3\n", "{file}, line 1: the column name `a` occurs more than once (columns 1 and 3)."),
    "no name": ("a,,b\n1,2,3\n", "{file}, line 1: column 2 of 3 has no name."),
    "open quote": (
        'a,b\n1,2\n"1,2\n3,4\n',
        "{file}, line 3: a double quote opens a cell and none closes it; close it, or write a quote inside a cell",
    ),
    "open quote far from the end": (
        'a,b\n"1,2\n' + "3,4\n" * 50_000,
        "{file}, line 2: a double quote opens a cell and none closes it within",
    ),
    "text after a quote": ('a,b\n"1"x,2\n', "{file}, line 2: text follows a closing double quote;"),
    "old line ends": (b"a,b\r1,2\r", "{file}: the lines end in CR alone, as old Macintosh programs write them."),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_fault(write: Write, content: str | bytes, message: str) -> None:
    file = write(content)
    with pytest.raises(SourceError, match=re.escape(message.format(file=file))):
        check_csv(file, rules=ReadingRules(kinds=TYPES))


def test_different_headers(write: Write, tmp_path: Path) -> None:
    first, second = write("a,b\n1,2\n", "1.csv"), write("b,a\n1,2\n", "2.csv")
    with pytest.raises(SourceError, match=rf"^{second}, line 1: .* Expected, as in {first}: a,b. Received: b,a\.$"):
        check_csv(tmp_path)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"/none.csv: no such file or folder. Expected a CSV or Parquet file, or"):
        check_csv(tmp_path / "none.csv")
    with pytest.raises(SourceError, match=r"/none/\*.csv: no such file or folder"):
        check_csv(tmp_path / "none" / "*.csv")
    with pytest.raises(SourceError, match=rf"{tmp_path}: no file here matches `\*.csv`"):
        check_csv(tmp_path / "*.csv")
    with pytest.raises(
        SourceError, match=r": no file to read in this folder\. Expected at least one .* It is empty\.$"
    ):
        check_csv(tmp_path)
    (tmp_path / "rows.xlsx").touch()
    with pytest.raises(SourceError, match=r"named \*\.csv, \*\.tsv, .*, \*\.parquet\. It holds rows\.xlsx\.$"):
        check_csv(tmp_path)


def test_a_folder_named_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "trips.csv").mkdir()
    with pytest.raises(SourceError, match=r"/trips.csv: cannot be read: Is a directory\.$"):
        check_csv(tmp_path)


def test_memory_does_not_grow_with_the_file(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_blocks, "BLOCK_BYTES", 1 << 14)
    peaks = []
    for rows in (5_000, 50_000):
        file = write("a,b,c\n" + "1,2.5,some text\n" * rows)
        tracemalloc.start()
        assert check_csv(file).rows == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
