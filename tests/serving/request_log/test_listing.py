"""A listing is always what the folder holds, however little of it is read again."""

import datetime
import os
from pathlib import Path

import pytest

from serving.request_log.listing import FolderListing

DAY = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)


def put(folder: Path, day: str, number: int, suffix: str = ".parquet") -> Path:
    file = folder / day / f"{day.replace('-', '')}T080000000000Z-0123abcd-{number:06}{suffix}"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"")
    return file


def settle(folder: Path) -> None:
    """Makes the folders' last change one of an hour ago."""
    for day in folder.iterdir():
        past = day.stat().st_mtime - 3600
        os.utime(day, (past, past))


def test_files_come_and_go(tmp_path: Path) -> None:
    listing = FolderListing(tmp_path)
    one = put(tmp_path, "2026-03-01", 1)
    assert listing.files(DAY) == [one]
    two = put(tmp_path, "2026-03-01", 2)  # maybe within the clock's own grain
    assert listing.files(DAY) == [two, one]
    three = put(tmp_path, "2026-03-02", 3)
    one.unlink()
    assert listing.files(DAY) == [three, two]


def test_a_day_that_did_not_change_is_not_listed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [put(tmp_path, "2026-03-02", 2), put(tmp_path, "2026-03-01", 1)]
    settle(tmp_path)
    listing, listed = FolderListing(tmp_path), []
    list_folder = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: listed.append(folder) or list_folder(folder))
    assert listing.files(DAY) == listing.files(DAY) == files
    assert len(listed) == 2
    newer = put(tmp_path, "2026-03-02", 3)
    assert listing.files(DAY) == [newer, *files]
    assert listed[2:] == [tmp_path / "2026-03-02"]
    listing.forget()
    assert listing.files(DAY) == [newer, *files]
    assert len(listed) == 5


def test_only_finished_files_of_the_time(tmp_path: Path) -> None:
    put(tmp_path, "2026-02-27", 1)
    put(tmp_path, "2026-03-01", 2, ".parquet.tmp")
    (tmp_path / "2026-03-01" / "20261399T080000000000Z-0123abcd-000001.parquet").write_bytes(b"")
    (tmp_path / "notes").write_text("no day")
    before = put(tmp_path, "2026-02-28", 3)  # may hold rows of up to a day later
    assert FolderListing(tmp_path).files(DAY) == [before]
    assert FolderListing(tmp_path / "none").files(DAY) == []
