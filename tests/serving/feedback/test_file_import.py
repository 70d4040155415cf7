"""`python -m serving feedback import`: the rules of the gateway, told by line."""

import csv
from pathlib import Path

import pytest

from serving.cli.app import app
from serving.cli.usage import execute
from tests.serving.request_log import logged


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gateway's settings, its log with the requests r0 to r2 of two rows each, and the folder for feedback."""
    logged.schema_file(tmp_path)
    file = tmp_path / "gateway.toml"
    file.write_text(
        'endpoint = "tip"\ntitle = "t"\nprobability_of = "p"\ncontract = "schema.pbtxt"\n'
        '[model]\nname = "taxi"\n'
        '[request_log]\nfolder = "log"\nkeep_days = 100000\n'
        '[feedback]\nfolder = "feedback"\nkeep_days = 100000\naccept_days = 100000\n'
    )
    writer, _ = logged.start(tmp_path / "log")
    for number in range(3):
        logged.offer(writer, f"r{number}", [logged.TRIP] * 2, caller="0123456789abcdef")
    writer.close()
    return file


def imported(settings: Path, text: str, encoding: str = "utf-8") -> int:
    file = settings.parent / "outcomes.csv"
    file.write_text(text, encoding=encoding)
    return execute(app, ["feedback", "import", str(file), "--settings", str(settings)])


def stored(settings: Path) -> list[tuple[str, int, float]]:
    rows = logged.rows(settings.parent / "feedback")
    return sorted((row["request_id"], row["request_row"], row["outcome"]) for row in rows)


def test_what_is_refused_is_told_by_line(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'request_id,row,outcome\nr0,0,1.5\nr0,1,\nr1,,2\nr2,"0",nan\nwho,0,1\nr0,0,1.5\nr0,0,9\nr2,5,1\nr2,1\n'
    assert imported(settings, text) == 1
    assert stored(settings) == [("r0", 0, 1.5), ("r1", 0, 2.0)]
    with (settings.parent / "outcomes.csv.refused.csv").open() as report:
        refused = [(int(row["line"]), row["code"]) for row in csv.DictReader(report)]
    assert refused == [
        (3, "invalid_outcome"), (5, "invalid_outcome"), (6, "unknown_request"),
        (8, "contradictory_outcome"), (9, "unknown_row"), (10, "invalid_outcome"),
    ]  # fmt: skip
    told = capsys.readouterr().out
    assert "stored   2 outcomes; 1 were stored already\nrefused  3 invalid_outcome\n" in told
    assert "may not be in the log's files yet: import the file again later." in told
    assert (
        "line 8: contradictory_outcome: outcome: expected what was sent before, 1.5, which is kept, received 9" in told
    )


@pytest.mark.parametrize("line", ["r0,0,1_0", "r0,0,٣", "r0,0_1,5", "r0,0,"])
def test_a_number_is_written_as_files_write_it(settings: Path, line: str) -> None:
    assert imported(settings, f"request_id,row,outcome\n{line}\nr1,0,1e1\nr2,1,+.5\n") == 1
    assert stored(settings) == [("r1", 0, 10.0), ("r2", 1, 0.5)]


def test_a_report_that_cannot_be_written_is_said(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (settings.parent / "outcomes.csv.refused.csv").mkdir()
    assert imported(settings, "request_id,outcome\nr0,1.5\nwho,1\n") == 1
    told = capsys.readouterr()
    assert "stored   1 outcomes\nrefused  1 unknown_request\nline 3: unknown_request" in told.out
    assert "error: [Errno 21] Is a directory" in told.err


def test_a_second_import_stores_nothing_twice(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "request_id,row,outcome\nr0,0,1.5\nr0,1,2\n"
    report = settings.parent / "outcomes.csv.refused.csv"
    report.write_text("of an earlier import")
    assert imported(settings, text) == imported(settings, text, encoding="utf-8-sig") == 0
    assert stored(settings) == [("r0", 0, 1.5), ("r0", 1, 2.0)]
    assert capsys.readouterr().out == "stored   2 outcomes\nstored   0 outcomes; 2 were stored already\n"
    assert not report.exists()


@pytest.mark.parametrize(("text", "message"), [
    ("id,outcome\nr0,1\n", "unknown column 'id'"),
    ("request_id,row,row,outcome\nr0,0,1,1\n", "received request_id, row, row, outcome"),
    ("request_id,row\nr0,1\n", "expected a first line with the columns request_id, row, outcome"),
    ("", "expected a first line with the columns"),
    ('request_id,outcome\nr0,"1', "expected CSV in UTF-8"),
])  # fmt: skip
def test_files_that_are_not_read(settings: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(settings, text) == 1
    assert message in capsys.readouterr().err
    assert stored(settings) == []


def test_without_folders_it_says_what_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "outcomes.csv"
    assert execute(app, ["feedback", "import", str(file)]) == 2
    file.write_text("request_id,outcome\n")
    assert execute(app, ["feedback", "import", str(file)]) == 2
    told = capsys.readouterr().err
    assert "expected a CSV file" in told
    assert "pass --var" in told
