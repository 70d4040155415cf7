"""The request log: what comes back, what is kept out, and that no fault of a disk reaches a request."""

import datetime
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from tensorflow_metadata.proto.v0 import schema_pb2

from serving import contract as contracts
from serving.contract import Feature, Kind
from serving.contract.missing_values import in_float32
from serving.request_log import columns as log_columns
from serving.request_log.encoding import hashed
from serving.request_log.files import log_files
from serving.request_log.settings import RequestLogSettings, read_hash_key
from tests.serving.request_log import logged
from tests.serving.request_log.logged import CONTRACT, KEY, MORNING, TRIP, counts, files, offer, rows, start

pytestmark = pytest.mark.slow

UTC = datetime.UTC
PROJECT = Path(__file__).parents[3]


def until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.005)


# --- What comes back. ---


def values_of(feature: Feature) -> st.SearchStrategy[Any]:
    low, high = feature.low, feature.high
    if feature.kind is Kind.BYTES:
        values: st.SearchStrategy[Any] = st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"]))
    elif feature.kind is Kind.INT:
        values = st.integers(-(2**63) if low is None else low, 2**63 - 1 if high is None else high)
    else:
        whole = st.integers(0, 1000) if low is not None else st.integers(-(10**30), 10**30)
        values = whole | st.floats(low, high, width=32, allow_nan=False, allow_infinity=False)
    return values.filter(lambda value: feature.accepts(value, CONTRACT.missing))


def trips() -> st.SearchStrategy[dict[str, Any]]:
    required = {feature.name: values_of(feature) for feature in CONTRACT.features if feature.required}
    optional = {feature.name: st.none() | values_of(feature) for feature in CONTRACT.features if not feature.required}
    return st.fixed_dictionaries(required, optional=optional)


requests = st.lists(
    st.tuples(
        st.text(alphabet="abcdef0123456789-", min_size=1),
        st.lists(st.tuples(trips(), st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=4),
        st.none() | st.integers(1, 2**63 - 1),
        st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        st.sampled_from([200, 502, 503, 504]),
        st.floats(0, 1e6),
        st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2099, 12, 31), timezones=st.just(UTC)),
    ),
    min_size=1,
    max_size=6,
)


@given(requests)
# On a busy machine making up requests takes long; that says nothing of the log.
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_row_that_the_contract_allows_comes_back(offered: list[Any]) -> None:
    expected = []
    with tempfile.TemporaryDirectory() as folder:
        log, registry = start(Path(folder), max_file_rows=7)
        for request_id, rows_and_answers, version, label, status, latency, received in offered:
            trips, probabilities, decisions = (list(part) for part in zip(*rows_and_answers, strict=True))
            assert log.offer(
                request_id=request_id,
                rows=trips,
                probabilities=None if status != 200 else probabilities,
                decisions=None if status != 200 else decisions,
                model_version=version,
                model_label=label,
                status=status,
                latency_ms=latency,
                received=received,
            )
            for position, trip in enumerate(trips):
                row = {feature.name: as_stored(feature, trip.get(feature.name)) for feature in CONTRACT.features}
                expected.append(
                    row
                    | {
                        "request_id": request_id,
                        "request_row": position,
                        "request_time": received,
                        "model_version": version,
                        "model_label": label,
                        "answer_probability": None if status != 200 else probabilities[position],
                        "answer_decision": None if status != 200 else decisions[position],
                        "answer_latency_ms": latency,
                        "answer_status": status,
                    }
                )
        log.close()
        assert counts(registry) == {"written": len(expected)}
        written = [row for file in by_number(Path(folder)) for row in logged.table(file).to_pylist()]
    assert written == expected


def as_stored(feature: Feature, value: Any) -> Any:
    return in_float32(value) if feature.kind is Kind.FLOAT and value is not None else value


def by_number(folder: Path) -> list[Path]:
    return sorted(files(folder), key=lambda path: path.stem.rpartition("-")[2])


def test_columns_have_the_contracts_types(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log)
    log.close()
    schema = logged.table(files(tmp_path)[0]).schema
    assert dict(zip(schema.names, schema.types, strict=True)) == {
        "fare": pa.float32(),
        "miles": pa.float32(),
        "hour": pa.int64(),
        "area": pa.int64(),
        "tract": pa.int64(),
        "pay": pa.string(),
        "company": pa.string(),
        "request_id": pa.string(),
        "request_row": pa.int32(),
        "request_time": pa.timestamp("us", tz="UTC"),
        "model_version": pa.int64(),
        "model_label": pa.string(),
        "answer_probability": pa.float32(),
        "answer_decision": pa.bool_(),
        "answer_latency_ms": pa.float64(),
        "answer_status": pa.int16(),
    }
    assert log_columns.feature_columns(schema) == [feature.name for feature in CONTRACT.features]


@pytest.mark.parametrize(
    ("column", "value"),
    [("miles", -(2**53)), ("miles", float(-(2**53))), ("area", -(2**53)), ("company", ""), ("company", None)],
)
def test_a_value_that_says_missing_is_null_like_one_that_is_left_out(column: str, value: Any, tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log, rows=[TRIP | {column: value}, {name: cell for name, cell in TRIP.items() if name != column}, TRIP])
    log.close()
    assert [row[column] for row in rows(tmp_path)] == [None, None, TRIP[column]]


def test_a_column_of_nothing_keeps_its_type(tmp_path: Path) -> None:
    log, _ = start(tmp_path)
    offer(log, rows=[{"fare": 1.0, "hour": 3, "pay": "Cash"}])
    log.close()
    found = logged.table(files(tmp_path)[0])
    assert found.column("tract").type == pa.int64()
    assert found.column("tract").null_count == 1


def test_threads_offer_at_once(tmp_path: Path) -> None:
    log, registry = start(tmp_path, max_file_rows=100)

    def send(thread: int) -> None:
        for number in range(200):
            assert offer(log, f"{thread}-{number}", rows=[TRIP | {"hour": thread}, TRIP | {"hour": number % 24}])

    threads = [threading.Thread(target=send, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert counts(registry) == {"written": 1600}
    found = {(row["request_id"], row["request_row"]): row["hour"] for row in rows(tmp_path)}
    assert found == {
        (f"{thread}-{number}", row): (thread, number % 24)[row]
        for thread in range(4)
        for number in range(200)
        for row in range(2)
    }


# --- The sample. ---


@pytest.mark.parametrize("request_id", ["the same for all", "made by the gateway {}"])
def test_the_sample_is_drawn_by_lot_whatever_id_the_client_sent(tmp_path: Path, request_id: str) -> None:
    log, registry = start(tmp_path, sample_rate=0.25, draw=random.Random(7))
    ids = [request_id.format(number) for number in range(2000)]
    taken = [name for name in ids if offer(log, name, rows=[TRIP, TRIP, TRIP])]
    log.close()
    assert [row["request_id"] for row in rows(tmp_path)] == [name for name in taken for _ in range(3)]
    assert counts(registry) == {"written": 3 * len(taken)}
    assert 440 < len(taken) < 560  # 500 ± 3 standard deviations; the source of chance is fixed, so is the number


def test_all_or_none(tmp_path: Path) -> None:
    for rate, expected in ((0.0, {False}), (1.0, {True})):
        log, _ = start(tmp_path, sample_rate=rate)
        assert {offer(log, "r1", rows=[]) for _ in range(1000)} == expected
        log.close()


# --- What is kept out. ---


def test_a_hashed_column_shows_which_values_are_equal_and_nothing_else(tmp_path: Path) -> None:
    log, _ = start(tmp_path, hashed=("company", "tract", "fare", "request_id"), hash_key=KEY)
    offer(log, "an id", rows=[TRIP, TRIP | {"company": "Other Cab", "tract": None}, TRIP | {"company": ""}])
    offer(log, "an id", rows=[TRIP | {"fare": 12.25}])
    log.close()
    found = rows(tmp_path)
    company, other, missing, again = (row["company"] for row in found)
    # printf 'company\0Flash Cab' | openssl dgst -sha256 -hmac 'a key of the tests'
    assert company == again == "d04a20d992909d87628ac682c8da61ae0678d5d40ce8ff0258ef8fb878837a9a"
    assert other == hashed(KEY, "company", "Other Cab") != company
    assert missing is None
    assert [row["tract"] for row in found] == [hashed(KEY, "tract", 17031081500), None, *[found[0]["tract"]] * 2]
    assert [row["fare"] == found[0]["fare"] for row in found] == [True, True, True, False]
    assert {row["request_id"] for row in found} == {hashed(KEY, "request_id", "an id")}
    schema = logged.table(files(tmp_path)[0]).schema
    assert log_columns.hashed_columns(schema) == {"company", "tract", "fare", "request_id"}
    assert "Flash Cab" not in str(found)


def test_equal_values_of_two_columns_or_under_two_keys_have_different_hashes() -> None:
    hashes = [hashed(KEY, "pickup", 8), hashed(KEY, "dropoff", 8), hashed(b"another key of tests", "pickup", 8)]
    assert len(set(hashes)) == 3


def test_a_float_is_hashed_as_the_model_sees_it(tmp_path: Path) -> None:
    log, _ = start(tmp_path, hashed=("miles",), hash_key=KEY)
    offer(
        log, rows=[TRIP | {"miles": 0.1}, TRIP | {"miles": in_float32(0.1)}, TRIP | {"miles": 3}, TRIP | {"miles": 3.0}]
    )
    log.close()
    found = [row["miles"] for row in rows(tmp_path)]
    assert found[0] == found[1] != found[2] == found[3]


def test_a_dropped_column_is_not_there(tmp_path: Path) -> None:
    log, _ = start(tmp_path, dropped=("company", "tract", "request_id"))
    offer(log)
    log.close()
    found = logged.table(files(tmp_path)[0])
    assert not {"company", "tract", "request_id"} & set(found.column_names)
    assert log_columns.dropped_columns(found.schema) == {"company", "tract", "request_id"}
    assert found.column("fare").to_pylist() == [12.5]


def test_files_are_not_for_everybody(tmp_path: Path) -> None:
    log, _ = start(tmp_path / "log")
    offer(log)
    log.close()
    (file,) = files(tmp_path / "log")
    assert file.stat().st_mode & 0o007 == 0
    assert file.parent.stat().st_mode & 0o007 == 0


def test_the_key_is_not_shown() -> None:
    shown = RequestLogSettings(folder=Path("log"), hashed=("company",), hash_key=KEY)
    assert "a key" not in repr(shown)


def test_the_key_is_read_from_a_file_or_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    assert read_hash_key({"GATEWAY_REQUEST_LOG_HASH_KEY_FILE": str(file)}) == KEY
    assert read_hash_key({"GATEWAY_REQUEST_LOG_HASH_KEY": KEY.decode()}) == KEY
    assert read_hash_key({}) is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sample_rate": 1.5}, "sample_rate: expected 0 to 1, received 1.5"),
        ({"max_file_rows": 0}, "max_file_rows: expected at least 1, received 0"),
        ({"max_file_seconds": 100_000}, "max_file_seconds: expected more than 0 and at most 86400, received 100000"),
        ({"keep_days": 0}, "keep_days: expected more than 0, received 0"),
        (
            {"hashed": ("company",)},
            "company to be hashed: expected a key of at least 16 bytes, received 0; set GATEWAY_",
        ),
        ({"hashed": ("company",), "hash_key": b"short"}, "expected a key of at least 16 bytes, received 5"),
        ({"dropped": ("compny",)}, "dropped: no column 'compny' that can be dropped; did you mean 'company'?"),
        ({"dropped": ("request_time",)}, "no column 'request_time' that can be dropped"),
        ({"dropped": ("answer_status",)}, "no column 'answer_status' that can be dropped"),
        ({"hashed": ("answer_status",), "hash_key": KEY}, "no column 'answer_status' that can be hashed"),
        ({"hashed": ("pay",), "dropped": ("pay",), "hash_key": KEY}, "pay: both dropped and hashed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        start(tmp_path, **wrong)
    assert message in str(refused.value)


def test_a_feature_cannot_be_named_like_a_column_of_the_log(tmp_path: Path) -> None:
    schema = schema_pb2.Schema()
    schema.CopyFrom(logged.SCHEMA)
    schema.feature[0].name = "answer_status"
    with pytest.raises(ValueError, match="features answer_status have names that the log uses for itself"):
        start(tmp_path, contract=contracts.from_schema(schema))


# --- Files: their size, age and end. ---


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


# --- Faults: counted and logged, and no request notices. ---


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
    assert "column company: expected values that string holds" in line["error"]
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
