"""The command that tasks share; what it copies is tested with the taxi trips (test_taxi.py)."""

import hashlib
from pathlib import Path

import pytest

from data import checked_copy


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Rows and their card."""
    (tmp_path / "rows.csv").write_bytes(b"a,b\n1,2\n")
    digest = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    (tmp_path / "card.md").write_text(f"# Rows\n\nsha256: `{digest}`\n")
    return tmp_path


def command(place: Path) -> int:
    def prepare(directory: Path) -> Path:
        checked_copy.copy_checked(
            place / "rows.csv", directory / "rows.csv", card=place / "card.md", otherwise="Restore it."
        )
        return directory

    return checked_copy.main("data.rows", prepare, "rows.csv", ["--out", str(place / "out")])


def test_copies_and_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(place) == 0
    assert (place / "out" / "rows.csv").read_bytes() == b"a,b\n1,2\n"
    assert capsys.readouterr().out == f"{place}/out/rows.csv: 8 bytes, sha256 as in the data card\n"


def test_rows_that_are_gone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "rows.csv").unlink()
    assert command(place) == 1
    assert "expected the rows that card.md describes, found no such file. Restore it." in capsys.readouterr().err
    assert not (place / "out").exists()


def test_a_copy_that_is_right_needs_no_source(place: Path) -> None:
    assert command(place) == 0
    (place / "rows.csv").unlink()
    assert command(place) == 0
