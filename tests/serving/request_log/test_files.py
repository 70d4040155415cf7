"""Files: their size, age and end."""

import datetime
import os
import time
from pathlib import Path

import pytest

from serving.request_log.encoding import hashed
from serving.request_log.files import log_files
from tests.serving.request_log import logged
from tests.serving.request_log.logged import (
    KEY,
    MORNING,
    TRIP,
    by_number,
    counts,
    files,
    offer,
    rows,
    start,
    until,
)

pytestmark = pytest.mark.slow

UTC = datetime.UTC


def test_a_file_ends_with_the_request_that_fills_it(tmp_path: Path) -> None:
    log, _ = start(tmp_path, max_file_rows=5)
    for number in range(7):
        offer(log, str(number), rows=[TRIP] * 3)
    log.close()
    assert [logged.table(file).num_rows for file in by_number(tmp_path)] == [6, 6, 6, 3]


def test_a_file_ends_when_it_has_its_bytes(tmp_path: Path) -> None:
    log, registry = start(tmp_path, max_file_bytes=50_000)
    for number in range(20):  # Keys of 64 characters, which compress badly.
        offer(log, str(number), rows=[TRIP | {"company": hashed(KEY, "company", f"{number} {i}")} for i in range(512)])
    log.close()
    sizes = [file.stat().st_size for file in by_number(tmp_path)]
    assert counts(registry) == {"written": 20 * 512}
    assert len(sizes) > 3
    assert all(50_000 <= size < 150_000 for size in sizes[:-1])


def test_a_file_ends_when_it_is_old_though_nothing_more_comes(tmp_path: Path) -> None:
    log, registry = start(tmp_path, max_file_seconds=0.05)
    offer(log, "first")
    until(lambda: counts(registry) == {"written": 1}, "the file of the first request")
    offer(log, "second")
    until(lambda: counts(registry) == {"written": 2}, "the file of the second request")
    assert [[row["request_id"] for row in logged.table(file).to_pylist()] for file in by_number(tmp_path)] == [
        ["first"],
        ["second"],
    ]
    log.close()


def test_days_have_folders_in_utc(tmp_path: Path) -> None:
    log, _ = start(tmp_path, max_file_rows=1)
    evening = datetime.datetime(2026, 3, 1, 20, tzinfo=datetime.timezone(datetime.timedelta(hours=-6)))
    offer(log, "1", received=MORNING)
    offer(log, "2", received=evening)
    log.close()
    assert [file.parent.name for file in by_number(tmp_path)] == ["2026-03-01", "2026-03-02"]
    assert files(tmp_path)[0].name.startswith("20260301T083000000000Z-")
    assert rows(tmp_path)[1]["request_time"] == evening


def test_the_oldest_files_beyond_the_number_go(tmp_path: Path) -> None:
    log, _ = start(tmp_path, max_file_rows=1, keep_files=3)
    for number in range(8):
        offer(log, str(number), received=MORNING + datetime.timedelta(days=number))
    log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == ["5", "6", "7"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03-06", "2026-03-07", "2026-03-08"]


def test_the_oldest_files_beyond_the_bytes_go(tmp_path: Path) -> None:
    log, _ = start(tmp_path, max_file_rows=1)
    offer(log, "0")
    log.close()
    size = files(tmp_path)[0].stat().st_size
    log, _ = start(tmp_path, max_file_rows=1, keep_bytes=int(2.5 * size))
    for number in range(1, 6):
        offer(log, str(number), received=MORNING + datetime.timedelta(hours=number))
    log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == ["4", "5"]


def test_files_that_are_too_old_go(tmp_path: Path) -> None:
    log, _ = start(tmp_path, max_file_rows=1, keep_days=30)
    now = datetime.datetime.now(UTC)
    for days in (31, 29, 0):
        offer(log, str(days), received=now - datetime.timedelta(days=days))
    log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == ["29", "0"]


def test_other_files_in_the_folder_are_left_alone_and_not_read(tmp_path: Path) -> None:
    theirs = tmp_path / "2026-03-01" / "mine.parquet"
    theirs.parent.mkdir()
    theirs.write_text("not of the log")
    log, _ = start(tmp_path, max_file_rows=1, keep_files=1)
    offer(log, "1")
    offer(log, "2")
    log.close()
    assert theirs.read_text() == "not of the log"
    assert [row["request_id"] for row in rows(tmp_path)] == ["2"]


@pytest.mark.parametrize("date", ["20261399", "00000101", "20260230"])
def test_a_name_with_a_date_that_is_none_is_left_alone_and_not_read(tmp_path: Path, date: str) -> None:
    theirs = tmp_path / "2026-03-01" / f"{date}T083000000000Z-0badf00d-000001.parquet"
    theirs.parent.mkdir()
    theirs.write_text("not of the log")
    log, registry = start(tmp_path, max_file_rows=1, keep_files=1)
    for number in range(3):
        offer(log, str(number))
    log.close()
    assert theirs.exists()
    assert counts(registry) == {"written": 3}
    assert [row["request_id"] for row in rows(tmp_path)] == ["2"]


@pytest.mark.parametrize("date", ["00010101", "99991231"])
def test_the_ends_of_the_calendar_are_dates_too(tmp_path: Path, date: str) -> None:
    path = tmp_path / "day" / f"{date}T000000000000Z-0badf00d-000001.parquet"
    path.parent.mkdir()
    path.touch()
    moment = datetime.datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC)
    assert list(log_files(tmp_path, moment, moment + datetime.timedelta(hours=1))) == [path]
    assert list(log_files(tmp_path, MORNING, MORNING)) == []


def test_what_a_killed_writer_left_goes_but_not_what_is_being_written(tmp_path: Path) -> None:
    day = tmp_path / "2026-03-01"
    day.mkdir()
    dead, living = (day / f"20260301T083000000000Z-{token}-000001.parquet.tmp" for token in ("0badf00d", "0a11ce00"))
    dead.write_text("half")
    living.write_text("half")
    os.utime(dead, (time.time() - 7200,) * 2)
    log, _ = start(tmp_path)
    offer(log)
    log.close()
    assert not dead.exists()
    assert living.exists()
