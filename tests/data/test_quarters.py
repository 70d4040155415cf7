"""The trips as 16 quarters: together the whole file, row for row."""

import os
from pathlib import Path

import pytest

from data import taxi
from data.checked_copy import DataError
from data.quarters import split_by_quarter


def test_the_quarters_together_are_the_whole_file_and_each_row_stands_in_its_quarter(tmp_path: Path) -> None:
    written = taxi.prepare_spans(tmp_path)
    assert [path.name for path in written] == [f"trips-{y}Q{q}.csv" for y in range(2013, 2017) for q in range(1, 5)]
    header, *whole = taxi.packaged_file().read_bytes().splitlines(keepends=True)
    parts = [path.read_bytes().splitlines(keepends=True) for path in written]
    assert {part[0] for part in parts} == {header}
    assert sorted(line for part in parts for line in part[1:]) == sorted(whole)
    assert [len(part) - 1 for part in parts] == list(written.values())
    assert written[tmp_path / "trips-2014Q2.csv"] == 1380  # as in the data card
    months = header.decode().strip().split(",").index("trip_start_month")
    assert {line.split(b",")[months] for line in parts[5][1:]} == {b"4", b"5", b"6"}


def test_a_row_at_midnight_stands_in_the_quarter_that_begins() -> None:
    last, first = 1_396_310_399, 1_396_310_400  # 2014-03-31 23:59:59 and the second after
    parts = split_by_quarter(f"a,t\nx,{first}\ny,{last}\nz,{first}\n".encode(), "t")
    assert parts == {
        "2014Q1": [b"a,t\n", b"y,1396310399\n"],
        "2014Q2": [b"a,t\n", b"x,1396310400\n", b"z,1396310400\n"],
    }


def test_a_quarter_that_is_right_is_not_touched_and_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    right, damaged, *_ = taxi.prepare_spans(tmp_path)
    whole = damaged.read_bytes()
    damaged.write_bytes(b"half")
    os.utime(right, ns=(1_000_000_000, 1_000_000_000))
    taxi.prepare_spans(tmp_path)
    assert (right.stat().st_mtime_ns, damaged.read_bytes()) == (1_000_000_000, whole)


def test_rows_that_the_card_does_not_describe_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "data.csv"
    other.write_bytes(taxi.packaged_file().read_bytes() + b"\n")
    monkeypatch.setattr(taxi, "packaged_file", lambda: other)
    with pytest.raises(DataError, match="expected sha256"):
        taxi.prepare_spans(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert taxi.main(["--out", str(tmp_path), "--spans"]) == 0
    assert "16 quarters, 15,002 trips" in capsys.readouterr().out
