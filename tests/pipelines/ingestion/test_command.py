"""How an ingestion ends that cannot begin."""

import io
import json
import os
from pathlib import Path

import pytest

from pipelines.cli.app import execute
from pipelines.ingestion import command
from pipelines.runner.lock import lock_folder


def ingest(source: Path, var: Path, *options: str) -> int:
    return execute(["ingest", "--from", str(source), "--var", str(var), *options])


@pytest.fixture
def arrived(tmp_path: Path) -> Path:
    (tmp_path / "arrived").mkdir()
    (tmp_path / "arrived" / "trips-2014Q1.csv").write_text("a\n1\n")
    return tmp_path / "arrived"


def test_a_folder_without_spans_is_said_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ingest(tmp_path, tmp_path / "var") == 1
    assert "no span in this folder" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


def test_a_busy_folder(arrived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lock_folder(tmp_path / "var"):
        assert ingest(arrived, tmp_path / "var") == 2
    assert "another run" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(arrived: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "var").touch()
    assert ingest(arrived, tmp_path / "var") == 1
    assert f"cannot write below {tmp_path / 'var'}" in capsys.readouterr().err


def test_names_of_files_neither_style_the_terminal_nor_command_it_nor_stop_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = tmp_path / "a[/]b"
    arrived.mkdir(parents=True)
    (arrived / "trips-2014Q1.csv").touch()
    os.close(os.open(os.fsencode(arrived) + b"/[red]\x1b[2J\xff.txt", os.O_CREAT))
    terminal = io.TextIOWrapper(io.BytesIO(), "utf-8")
    monkeypatch.setattr(command, "redirect_output", lambda log: terminal)
    monkeypatch.setattr(command, "_ingest_each", lambda *_: None)
    assert ingest(arrived, tmp_path / "var[/]") == 0
    terminal.flush()
    said = terminal.buffer.getvalue().decode()
    assert f"of {arrived}\n" in said
    assert "not a span: [red]\\x1b[2J\\udcff.txt: expected" in said
    (record,) = (tmp_path / "var[/]" / "ingestions").glob("*/summary.json")
    assert json.loads(record.read_text())["other_files"] == [os.fsdecode(b"[red]\x1b[2J\xff.txt")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pattern", "trips"], "expected one of {YYYY}"),
        (["--task", "taxy"], "did you mean 'taxi'?"),
        (["--at-once", "0"], "at once: expected 1 or more"),
    ],
)
def test_bad_usage(arrived: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str) -> None:
    assert ingest(arrived, arrived / "var", *options) == 2
    assert words in capsys.readouterr().err
