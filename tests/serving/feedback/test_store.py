"""The store by itself: time, other processes, files. tests/serving/gateway/test_feedback.py has it behind HTTP."""

import datetime
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from serving.feedback.judge import FeedbackJudge
from serving.feedback.label import read_label
from serving.feedback.reading import read_outcomes
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackBusyError, FeedbackStore
from serving.feedback.verdicts import Caller, Outcome, Refusal
from serving.request_log.files import LogFolder
from serving.request_log.files_by_id import FilesById, IdFileError
from serving.request_log.listing import FolderListing
from serving.request_log.pending import PendingRequests
from serving.request_log.settings import RequestLogSettings
from tests.serving.request_log import logged

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
NOBODY = Caller(digest=None)


class Clock:
    now = NOON

    def __call__(self) -> datetime.datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Callable[..., FeedbackStore]:
    """A store of its own, as each process has one, on folders that all share."""
    label = read_label(logged.schema_file(tmp_path))

    def made(pending: PendingRequests | None = None, **settings: Any) -> FeedbackStore:
        log = RequestLogSettings(folder=tmp_path / "log", keep_days=100_000)
        kept = FeedbackSettings(folder=tmp_path / "feedback", **({"keep_days": 100_000} | settings))
        return FeedbackStore(kept, label, log, pending=pending, clock=clock)

    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A finished log: requests r0 to r9 of two rows each, of the morning."""
    writer, _ = logged.start(tmp_path / "log")
    for number in range(10):
        logged.offer(writer, f"r{number}", [logged.TRIP] * 2)
    writer.close()
    return tmp_path / "log"


def outcome(request_id: str = "r0", row: int = 0, value: float = 1.5) -> Outcome:
    return Outcome(request_id=request_id, row=row, value=value)


def refusal(store: FeedbackStore, one: Outcome) -> Refusal | None:
    """Why one outcome is refused; None where it is stored."""
    verdict = store.store([one], NOBODY)
    assert verdict.stored + len(verdict.refused) == 1
    return verdict.refused[0].refusal if verdict.refused else None


def rows(folder: Path) -> list[tuple[str, int, float]]:
    return sorted((row["request_id"], row["request_row"], row["outcome"]) for row in logged.rows(folder))


def test_another_process_knows_what_this_one_stored(make: Callable[..., FeedbackStore], log: Path) -> None:
    one, other = make(), make()
    assert refusal(one, outcome()) is None
    assert refusal(other, outcome()) is Refusal.DUPLICATE
    assert refusal(other, outcome(value=2)) is Refusal.CONTRADICTORY
    assert refusal(other, outcome(row=1, value=2)) is None
    assert refusal(one, outcome(row=1, value=2)) is Refusal.DUPLICATE
    one.close(), other.close()
    assert rows(log.parent / "feedback") == [("r0", 0, 1.5), ("r0", 1, 2.0)]


def test_what_another_process_has_in_memory_is_known_once_its_file_is_there(
    make: Callable[..., FeedbackStore], tmp_path: Path
) -> None:
    pending = PendingRequests()
    writer, _ = logged.start(tmp_path / "log", pending=pending)
    logged.offer(writer, "new")
    own, other = make(pending), make()
    assert refusal(own, outcome("new")) is None
    assert refusal(other, outcome("new")) is Refusal.UNKNOWN_REQUEST
    writer.close()
    assert pending.find(["new"]) == []
    assert refusal(other, outcome("new")) is Refusal.DUPLICATE


def test_too_late_is_told_from_unknown(make: Callable[..., FeedbackStore], log: Path, clock: Clock) -> None:
    store = make(accept_days=30)
    clock.now = logged.MORNING + datetime.timedelta(days=30)
    assert refusal(store, outcome("r0")) is None
    clock.now += datetime.timedelta(seconds=1)
    assert refusal(store, outcome("r1")) is Refusal.TOO_LATE
    assert refusal(store, outcome("r11")) is Refusal.UNKNOWN_REQUEST


def test_small_files_become_one_and_nothing_is_lost(
    make: Callable[..., FeedbackStore], log: Path, tmp_path: Path, clock: Clock
) -> None:
    store = make(merge_files=4)
    for number in range(10):
        clock.now += datetime.timedelta(minutes=1)
        assert refusal(store, outcome(f"r{number}", value=number)) is None
        assert refusal(store, outcome(f"r{number}", value=number)) is Refusal.DUPLICATE
    assert len(logged.files(tmp_path / "feedback")) == 2 + 2  # eight outcomes in two files, two in files of their own
    store.close()
    assert len(logged.files(tmp_path / "feedback")) == 3
    assert rows(tmp_path / "feedback") == [(f"r{number}", 0, float(number)) for number in range(10)]


def test_a_merge_spans_no_more_than_half_a_day(
    make: Callable[..., FeedbackStore], log: Path, tmp_path: Path, clock: Clock
) -> None:
    store = make()
    for number in range(4):
        clock.now += datetime.timedelta(hours=8)
        assert refusal(store, outcome(f"r{number}")) is None
    store.close()
    assert [len(logged.table(file)) for file in logged.files(tmp_path / "feedback")] == [2, 2]


def test_few_ids_in_memory_find_the_same(make: Callable[..., FeedbackStore], log: Path) -> None:
    store = make(cached_ids=0)
    assert [refusal(store, outcome(f"r{number}")) for number in (3, 3, 9)] == [None, Refusal.DUPLICATE, None]


def test_many_threads_store_each_outcome_once(make: Callable[..., FeedbackStore], log: Path, tmp_path: Path) -> None:
    store = make()
    verdicts: list[Refusal | None] = []

    def tell() -> None:
        for number in range(10):
            verdicts.append(refusal(store, outcome(f"r{number}", value=number)))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert (verdicts.count(None), verdicts.count(Refusal.DUPLICATE)) == (10, 30)
    assert len(rows(tmp_path / "feedback")) == 10


def test_a_damaged_log_stores_nothing_and_says_so(
    make: Callable[..., FeedbackStore], log: Path, tmp_path: Path
) -> None:
    (file,) = logged.files(log)
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    store = make()
    with pytest.raises(IdFileError, match="expected finished Parquet files of requests, received ArrowInvalid"):
        store.store([outcome()], NOBODY)
    file.write_bytes(whole)
    assert refusal(store, outcome()) is None


@pytest.mark.parametrize("cached_ids", [0, 1000])
@pytest.mark.parametrize("dropped", ["request_id", "request_row"])
def test_files_of_a_log_that_did_not_keep_ids_are_passed_over(
    make: Callable[..., FeedbackStore], log: Path, dropped: str, cached_ids: int
) -> None:
    """As after a change of the gateway's settings."""
    (file,) = logged.files(log)
    older = logged.table(file).drop([dropped])
    pq.write_table(older, file.with_name(file.name.replace("20260301T", "20260228T")))
    store = make(cached_ids=cached_ids)
    assert store.submit([outcome()], NOBODY).result(timeout=20).stored == 1
    assert refusal(store, outcome(row=7)) is Refusal.UNKNOWN_ROW


def test_a_fault_at_the_start_does_not_end_the_store(
    make: Callable[..., FeedbackStore], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(FeedbackJudge, "warm_up", fail)
    assert make().submit([outcome()], NOBODY).result(timeout=20).stored == 1


def test_a_file_that_vanishes_is_looked_for_anew(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = logged.files(log)
    gone = file.with_name(file.name.replace("20260301", "20260302"))
    listings = iter([[gone], [file]])
    monkeypatch.setattr(FolderListing, "files", lambda *_: next(listings))
    found = FilesById(log, ["request_id", "request_row", "no_such"], 10).find({"r3"}, NOON)
    assert [(row["request_row"], row["no_such"]) for row in found] == [(0, None), (1, None)]


def test_who_went_away_stops_nobody(make: Callable[..., FeedbackStore], log: Path) -> None:
    store = make()
    store.submit([outcome("r1")], NOBODY).cancel()
    assert refusal(store, outcome("r2")) is None


def test_a_closed_store_refuses(make: Callable[..., FeedbackStore], log: Path) -> None:
    store = make()
    store.close()
    with pytest.raises(FeedbackBusyError, match="send the outcomes again"):
        store.submit([outcome()], NOBODY)


@pytest.mark.parametrize("moment", ["before the memory is asked", "before the files are listed"])
def test_a_request_that_moves_from_memory_to_its_file_is_known_once(
    make: Callable[..., FeedbackStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    pending = PendingRequests()
    writer, _ = logged.start(tmp_path / "log", pending=pending)
    logged.offer(writer, "new")
    find, list_files = pending.find, FolderListing.files

    def find_later(request_ids: Any) -> Any:
        writer.close()
        return find(request_ids)

    def list_later(listing: FolderListing, since: datetime.datetime) -> list[Path]:
        writer.close()
        return list_files(listing, since)

    if moment == "before the memory is asked":
        monkeypatch.setattr(pending, "find", find_later)
    else:
        monkeypatch.setattr(FolderListing, "files", list_later)
    assert refusal(make(pending), outcome("new")) is None


def test_a_merge_that_fails_loses_nothing(
    make: Callable[..., FeedbackStore], log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    for number in range(3):
        assert refusal(store, outcome(f"r{number}")) is None

    def fail(*_: Any) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogFolder, "write", fail)
    with capture_logs() as told:
        store.close()
    assert [line["event"] for line in told] == ["feedback_tidy_failed"]
    assert rows(tmp_path / "feedback") == [(f"r{number}", 0, 1.5) for number in range(3)]


def test_an_outcome_in_two_files_is_one(make: Callable[..., FeedbackStore], log: Path, tmp_path: Path) -> None:
    """A kill between a merge's new file and the removal of the small ones leaves both."""
    store = make()
    for number in range(2):
        assert refusal(store, outcome(f"r{number}")) is None
    small = {file: file.read_bytes() for file in logged.files(tmp_path / "feedback")}
    store.close()
    for file, content in small.items():
        file.write_bytes(content)
    assert refusal(make(), outcome("r0")) is Refusal.DUPLICATE
    found = read_outcomes(tmp_path / "feedback", logged.MORNING)
    assert (found.table.num_rows, found.contradictory, found.label) == (2, 0, "tips")


@pytest.mark.parametrize(("seconds", "probability", "expected"), [
    (30, 0.25, None), (61, 0.25, Refusal.AMBIGUOUS), (30, 0.5, Refusal.AMBIGUOUS),
])  # fmt: skip
@pytest.mark.parametrize("finished", [True, False])
def test_a_request_that_was_repeated_is_one(
    make: Callable[..., FeedbackStore], tmp_path: Path, seconds: float, probability: float,
    expected: Refusal | None, finished: bool,
) -> None:  # fmt: skip
    """A client that lost the answer asks again under the same id; what became of it belongs to the answer it got."""
    pending = PendingRequests()
    writer, _ = logged.start(tmp_path / "log", pending=pending)
    again = logged.MORNING + datetime.timedelta(seconds=seconds)
    logged.offer(writer, "r")
    logged.offer(writer, "r", probabilities=[probability], received=again)
    if finished:
        writer.close()
    assert refusal(make(pending), outcome("r")) is expected
    writer.close()
    assert [row["request_time"] for row in logged.rows(tmp_path / "feedback")] == ([] if expected else [again])
