"""Faults are counted and logged, and no request notices."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.serving.request_log import logged
from tests.serving.request_log.logged import (
    KEY,
    TRIP,
    counts,
    files,
    offer,
    rows,
    start,
    until,
)

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3]


class Blocking(list):
    """Rows that cannot be encoded until they may be."""

    def __init__(self, rows: list[Any]) -> None:
        super().__init__(rows)
        self.reached, self.may = threading.Event(), threading.Event()

    def __iter__(self) -> Any:
        self.reached.set()
        assert self.may.wait(20)
        return super().__iter__()


def test_a_full_queue_drops_requests_and_counts_their_rows(tmp_path: Path) -> None:
    log, registry = start(tmp_path, queue_rows=4)
    blocking = Blocking([TRIP] * 4)
    assert offer(log, "encoding", rows=blocking)
    assert blocking.reached.wait(20)  # The writer took them and is busy; the queue is empty.
    assert offer(log, "waiting", rows=[TRIP] * 3)
    assert not offer(log, "too many", rows=[TRIP] * 2)
    assert offer(log, "last place")
    assert not offer(log, "full")
    assert counts(registry) == {"dropped": 3}
    blocking.may.set()
    log.close()
    assert counts(registry) == {"dropped": 3, "written": 8}
    assert {row["request_id"] for row in rows(tmp_path)} == {"encoding", "waiting", "last place"}


def test_what_is_offered_after_the_end_is_dropped(tmp_path: Path) -> None:
    log, registry = start(tmp_path)
    offer(log, "before")
    log.close()
    log.close()
    assert not offer(log, "after")
    assert counts(registry) == {"written": 1, "dropped": 1}


def test_a_disk_that_hangs_does_not_keep_the_gateway_from_ending(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    blocking = Blocking([TRIP])
    offer(log, rows=blocking)
    with capture_logs() as lines:
        log.close(timeout_s=0.05)
    assert [(line["event"], line["log_level"]) for line in lines] == [("request_log_not_closed", "error")]
    blocking.may.set()
    log.close()


def test_a_row_that_no_column_holds_takes_no_other_with_it(tmp_path: Path) -> None:
    with capture_logs() as lines:
        log, registry = start(tmp_path, hashed=("company",), hash_key=KEY)
        offer(log, "good")
        offer(log, "bad", rows=[TRIP, TRIP | {"hour": "Main St. 5"}])
        offer(log, "uneven", probabilities=[0.5, 0.5])
        offer(log, "half a character", rows=[TRIP | {"company": "\ud800"}])
        offer(log, "good too")
        log.close()
    assert counts(registry) == {"written": 2, "failed": 4}
    assert [row["request_id"] for row in rows(tmp_path)] == ["good", "good too"]
    (line,) = [line for line in lines if line["event"] == "request_log_rows_failed"]
    assert line["rows"] == 4
    assert line["request_id"] == "half a character"
    assert "column company: expected values of type string" in line["error"]
    assert "Main St." not in str(lines)


def test_a_fault_that_nobody_foresaw_loses_the_open_file_and_the_next_rows_are_written(tmp_path: Path) -> None:
    with capture_logs() as lines:
        log, registry = start(tmp_path, queue_rows=2)
        assert offer(log, "open", rows=[TRIP] * 2)
        # Once there is room in the queue, the writer has the first request in its open file.
        no_rows: Any = ["no row", "Main St. 5"]
        until(lambda: offer(log, "broken", rows=no_rows), "room in the queue")
        until(lambda: counts(registry).get("failed") == 4, "four failed rows")
        assert offer(log, "next", rows=[TRIP] * 2)
        log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == ["next", "next"]
    found = counts(registry)
    assert (found["written"], found["failed"]) == (2, 4)
    (line,) = lines
    assert (line["event"], line["log_level"], line["rows"]) == ("request_log_failed", "error", 4)
    assert line["error"] == "AttributeError"
    assert "in table" in line["traceback"]
    assert "Main St." not in str(lines)


def test_a_folder_that_cannot_be_made_is_logged_and_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with capture_logs() as lines:
        log, registry = start(tmp_path / "file" / "log", max_file_rows=2)
        assert all(offer(log, str(number)) for number in range(4))
        log.close()
    assert counts(registry) == {"failed": 4}
    assert [(line["event"], line["rows"]) for line in lines] == [("request_log_file_failed", 2)] * 2
    assert "Not a directory" in lines[0]["error"]


def in_a_process(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_full_disk_loses_the_file_and_the_next_one_is_written_when_there_is_room(tmp_path: Path) -> None:
    code = """
import json, resource, sys, time
from pathlib import Path
from tests.serving.request_log import logged
log, registry = logged.start(Path(sys.argv[1]), max_file_rows=4)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))  # bytes: less than a file has
offered = [logged.offer(log, f"lost {i}") for i in range(4)]
deadline = time.monotonic() + 20
while logged.counts(registry) != {"failed": 4} and time.monotonic() < deadline:
    time.sleep(0.01)
left = [str(path) for path in Path(sys.argv[1]).glob("*/*")]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
offered += [logged.offer(log, f"kept {i}") for i in range(4)]
log.close()
print(json.dumps({"offered": offered, "left": left, "counts": logged.counts(registry)}))
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    output = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    assert "request_log_file_failed" in output
    assert "File too large" in output
    assert logged.last_json(output) == {"offered": [True] * 8, "left": [], "counts": {"failed": 4, "written": 4}}
    assert [row["request_id"] for row in rows(tmp_path)] == [f"kept {i}" for i in range(4)]


def test_a_killed_gateway_leaves_complete_files(tmp_path: Path) -> None:
    code = """
import itertools, sys
from pathlib import Path
from tests.serving.request_log import logged
log, _ = logged.start(Path(sys.argv[1]), max_file_rows=3)
for number in itertools.count():
    logged.offer(log, str(number))
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=PROJECT)
    try:
        until(lambda: len(files(tmp_path)) >= 20 or process.poll() is not None, "twenty files", 60)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    sizes = [logged.table(file).num_rows for file in files(tmp_path)]
    assert len(sizes) >= 20
    assert set(sizes) == {3}


def test_a_gateway_without_a_log_does_not_load_pyarrow() -> None:
    code = "import json, sys; import serving.request_log.writer; print(json.dumps('pyarrow' in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert json.loads(printed.stdout) is False
