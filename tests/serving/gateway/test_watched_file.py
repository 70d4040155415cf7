"""A file that is read again when it changes, and what its faults do: nothing but a line in the log."""

import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from serving.gateway.api_keys import ApiKeys
from serving.gateway.traffic_split import TrafficSplit
from serving.gateway.watched_file import WatchedFile

KEY = "key-0123456789abcdef"


def write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def unreadable(path: Path) -> None:
    """Replaced by a link to itself: neither os.stat nor open can follow it."""
    path.unlink()
    path.symlink_to(path)


def missing(path: Path) -> None:
    path.unlink()


def folder(path: Path) -> None:
    """os.stat finds it, and nobody can read it."""
    path.unlink()
    path.mkdir()


def healed(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    write(path, "3")


def test_a_text_of_the_old_size_under_the_old_time(tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("1")
    before = path.stat()
    watched = WatchedFile(path, int)
    while path.stat().st_ctime_ns == before.st_ctime_ns:  # the clock of the file system ticks every few milliseconds
        path.write_text("2")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watched.value == 2


@pytest.mark.parametrize("spoil", [unreadable, missing, folder])
def test_a_file_that_cannot_be_read_for_a_moment(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "number"
    write(path, "1")
    watched = WatchedFile(path, int)
    write(path, "2")
    assert watched.value == 2
    for before in (2, 3):  # the second time is news again
        spoil(path)
        with capture_logs() as lines:
            assert [watched.value for _ in range(3)] == [before] * 3
        assert [(line["log_level"], line["file"]) for line in lines] == [("error", str(path))]
        healed(path)
        assert watched.value == 3


def test_a_fault_of_the_disk_that_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path, away = tmp_path / "number", tmp_path / "away"
    write(path, "1")
    watched = WatchedFile(path, int)
    for _ in range(2):
        path.rename(away)
        with capture_logs() as lines:
            assert [watched.value, watched.value] == [1, 1]
        assert len(lines) == 1
        away.rename(path)
        assert watched.value == 1


def test_a_text_that_cannot_be_used_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "number"
    write(path, "1")
    read: list[str] = []

    def parse(text: str) -> int:
        read.append(text)
        return int(text)

    watched = WatchedFile(path, parse)
    write(path, "two")
    with capture_logs() as lines:
        assert [watched.value for _ in range(3)] == [1, 1, 1]
    assert read == ["1", "two"]
    assert [line["log_level"] for line in lines] == ["error"]


def test_keys_stay_while_their_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    write(path, f"app:{KEY}")
    keys = ApiKeys({}, path)
    path.unlink()
    assert keys.name_of(KEY) == "app"
    write(path, f"other:{KEY}")
    assert keys.name_of(KEY) == "other"
    write(path, "")
    assert keys.name_of(KEY) is None


def test_no_traffic_file_is_no_canary_and_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "traffic.json"
    traffic = TrafficSplit(path)
    with capture_logs() as lines:
        assert traffic.canary_percent == 0
        write(path, '{"canary_percent": 10}')
        assert traffic.canary_percent == 10
        unreadable(path)
        assert traffic.canary_percent == 10
        path.unlink()
        assert traffic.canary_percent == 0
    assert [line["log_level"] for line in lines if line["event"] != "read again"] == ["error"]
