"""Rows of the request log with their outcomes become the files of spans; what is left out is counted and said."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.ingestion.logged_rows import LoggedRows, read_logged_rows
from pipelines.ingestion.logged_spans import WrittenSpan, write_logged_spans
from pipelines.ingestion.logged_window import parse_window
from pipelines.spans.errors import SpanError
from serving.contract import Kind
from serving.contract.target import Target
from serving.feedback import columns
from serving.feedback.label import read_label
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome
from serving.problem import MULTICLASS
from serving.request_log.files import GrowingFile, LogFolder
from serving.request_log.settings import RequestLogSettings
from tests.serving.request_log import logged

DAY = datetime.timedelta(days=1)
START = logged.MORNING.replace(hour=0, minute=0)  # 2026-03-01
NOW = START + 40 * DAY


@dataclasses.dataclass(frozen=True)
class Site:
    """A request log, and what was told of it."""

    base: Path

    def log(self, *requests: tuple[str, datetime.datetime, list[dict[str, Any]]], **settings: Any) -> None:
        writer, _ = logged.start(self.base / "log", **settings)
        for name, received, rows in requests:
            logged.offer(writer, name, rows, received=received)
        writer.close()

    def tell(self, *outcomes: tuple[str, int, float], **log: Any) -> None:
        kept = FeedbackSettings(folder=self.base / "feedback", keep_days=100_000, accept_days=100_000)
        requests = RequestLogSettings(folder=self.base / "log", keep_days=100_000, **log)
        store = FeedbackStore(kept, read_label(logged.schema_file(self.base)), requests)
        told = [Outcome(request_id=name, row=row, value=value) for name, row, value in outcomes]
        verdict = store.store(told, Caller(digest=None))
        store.close()
        assert verdict.stored == len(outcomes)

    def read(self, start: datetime.datetime = START, end: datetime.datetime = START + DAY) -> LoggedRows:
        label = read_label(logged.schema_file(self.base))
        return read_logged_rows(self.base / "log", self.base / "feedback", logged.CONTRACT, label, start, end)

    def write(self, window: str, now: datetime.datetime = NOW) -> list[WrittenSpan]:
        label = read_label(logged.schema_file(self.base))
        folders = (self.base / "spans", self.base / "log", self.base / "feedback")
        return list(write_logged_spans(parse_window(window), *folders, logged.CONTRACT, label, now))

    def rows(self, span: str) -> list[dict[str, Any]]:
        return pq.read_table(self.base / "spans" / f"{span}.parquet").to_pylist()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_row_and_its_outcome_are_a_row_to_train_on(site: Site) -> None:
    """With the columns and types of the contract: missing is null, and whole numbers beyond 2^53 stay exact."""
    exact = 2**53 + 1
    rows = [logged.TRIP | {"fare": 5.3, "tract": exact}, logged.TRIP | {"company": "", "area": None}]
    site.log(("r1", logged.MORNING, rows))
    site.tell(("r1", 0, 1.5), ("r1", 1, 0.0))
    found = site.read()
    assert found.left_out.describe() == ""
    assert [(field.name, str(field.type)) for field in found.table.schema] == [
        ("fare", "float"), ("miles", "float"), ("hour", "int64"), ("area", "int64"), ("tract", "int64"),
        ("pay", "string"), ("company", "string"), ("tips", "float"),
    ]  # fmt: skip
    first, second = found.table.to_pylist()
    assert first == logged.TRIP | {"fare": pytest.approx(5.3), "tract": exact, "tips": 1.5}
    assert second == logged.TRIP | {"company": None, "area": None, "tips": 0.0}


def test_what_cannot_be_trained_on_is_left_out_and_counted(site: Site) -> None:
    site.log(
        ("known", logged.MORNING, [logged.TRIP]),
        ("waiting", logged.MORNING, [logged.TRIP] * 2),
        ("disputed", logged.MORNING, [logged.TRIP]),
        ("again", logged.MORNING, [logged.TRIP]),
        ("again", logged.MORNING + datetime.timedelta(seconds=5), [logged.TRIP]),
        ("twins", logged.MORNING, [logged.TRIP]),
        ("the next day", START + DAY, [logged.TRIP]),
    )
    site.log(("hashed", logged.MORNING, [logged.TRIP] * 3), hashed=["company"], hash_key=logged.KEY)
    site.log(("dropped", logged.MORNING, [logged.TRIP]), dropped=["area"])
    writer, _ = logged.start(site.base / "log")
    logged.offer(writer, "twins", [logged.TRIP | {"hour": 3}], probabilities=[0.75])
    writer.close()
    site.tell(("known", 0, 1.0), ("disputed", 0, 2.0), ("the next day", 0, 3.0))
    _store_at_the_same_moment(site, "disputed", 2.5)
    found = site.read()
    assert [row["tips"] for row in found.table.to_pylist()] == [1.0]
    out = found.left_out
    assert (out.waiting, out.contradictory, out.hidden, out.hidden_columns) == (3, 1, 4, ("area", "company"))
    assert (out.repeated, out.ambiguous) == (1, 2)
    assert found.answered == 12
    assert out.describe() == (
        "3 without an outcome yet, 1 with contradictory outcomes, 2 of requests that cannot be distinguished, "
        "1 asked for twice, 4 whose area, company the log hides"
    )


def _store_at_the_same_moment(site: Site, request: str, value: float) -> None:
    """As a second gateway does that has not seen the first one's outcome."""
    label = read_label(logged.schema_file(site.base))
    file = GrowingFile(columns.arrow_schema(label), 0.0)
    row = {
        "request_id": request, "request_row": 0, "request_time": logged.MORNING, "outcome": value,
        "feedback_time": logged.MORNING + DAY, "feedback_caller": None,
    }  # fmt: skip
    schema = columns.arrow_schema(label)
    file.append(pa.Table.from_pylist([row], schema=schema), logged.MORNING + DAY)
    LogFolder(FeedbackSettings(folder=site.base / "feedback", keep_days=100_000)).write(*file.finish())


@pytest.mark.parametrize(
    ("hides", "named"), [({"dropped": ["fare"]}, "fare"), ({"dropped": ["request_id"]}, "request_id")]
)
def test_a_log_that_hides_a_column_of_every_row_is_refused(site: Site, hides: dict[str, Any], named: str) -> None:
    site.log(("r1", logged.MORNING, [logged.TRIP]), **hides)
    with pytest.raises(SpanError, match=f"expected the log to keep {named}, .* received 1 rows of 2026-03-01"):
        site.write("day")
    assert not (site.base / "spans").exists()


def test_each_period_that_is_over_is_a_span(site: Site) -> None:
    hours = datetime.timedelta(hours=1)
    site.log(
        ("first", START, [logged.TRIP]),
        ("last", START + DAY - datetime.timedelta(microseconds=1), [logged.TRIP]),
        ("second", START + DAY, [logged.TRIP]),
    )
    site.log(("april", START + 31 * DAY, [logged.TRIP]))
    site.tell(("first", 0, 1.0), ("last", 0, 2.0), ("second", 0, 3.0), ("april", 0, 4.0))
    during_april = START + 31 * DAY + 2 * hours
    assert [(one.span, one.rows) for one in site.write("day", during_april)] == [("2026-03-01", 2), ("2026-03-02", 1)]
    assert [row["tips"] for row in site.rows("2026-03-01")] == [1.0, 2.0]
    assert [(one.span, one.rows) for one in site.write("month", during_april)] == [("2026-03", 3)]
    assert [(one.span, one.rows) for one in site.write("quarter", during_april)] == [("2026Q1", 3)]
    assert site.write("month", during_april - 3 * DAY) == []
    assert [(one.span, one.rows) for one in site.write("2026-04", during_april)] == [("2026-04", 1)]


def test_an_outcome_that_comes_later_joins_its_span(site: Site) -> None:
    site.log(("r1", logged.MORNING, [logged.TRIP] * 3))
    site.tell(("r1", 1, 1.0))
    assert site.write("day") == [
        WrittenSpan(span="2026-03-01", rows=1, said="left out: 2 without an outcome yet"),
    ]
    site.tell(("r1", 0, 0.5))
    assert [one.rows for one in site.write("day")] == [2]
    assert [row["tips"] for row in site.rows("2026-03-01")] == [0.5, 1.0]


def test_the_same_rows_leave_the_file_as_it_is(site: Site) -> None:
    site.log(("r1", logged.MORNING, [logged.TRIP]))
    site.tell(("r1", 0, 1.0))
    site.write("day")
    path = site.base / "spans" / "2026-03-01.parquet"
    before = path.stat()
    site.write("day")
    assert path.stat() == before


def test_rows_that_the_log_has_lost_since_stay_in_the_span(site: Site) -> None:
    """Also where more outcomes came since than the log lost rows; of equal rows it has lost one."""
    site.log(("r1", logged.MORNING, [logged.TRIP] * 2))
    site.log(("r2", logged.MORNING + datetime.timedelta(hours=1), [logged.TRIP] * 4))
    site.tell(("r1", 0, 1.0), ("r1", 1, 1.5), ("r2", 0, 1.0))
    site.write("day")
    site.tell(("r2", 1, 3.0), ("r2", 2, 4.0), ("r2", 3, 5.0))
    logged.files(site.base / "log")[0].unlink()  # as the gateway does with what is older than keep_days
    (kept,) = site.write("day")
    assert (kept.rows, kept.said) == (6, "2 kept that the log no longer has")
    assert sorted(row["tips"] for row in site.rows("2026-03-01")) == [1.0, 1.0, 1.5, 3.0, 4.0, 5.0]
    path = site.base / "spans" / "2026-03-01.parquet"
    before = path.stat()
    assert site.write("2026-03-01") == [kept]
    assert path.stat() == before


def test_a_few_late_outcomes_make_no_new_version_while_others_are_out(site: Site) -> None:
    """Else each look of the loop would read and judge a whole month again."""
    site.log(("r1", logged.MORNING, [logged.TRIP] * 203))
    site.tell(*(("r1", row, 1.0) for row in range(200)))
    site.write("day")
    site.tell(("r1", 200, 2.0))
    (few,) = site.write("day")
    assert few.rows == 200
    assert few.said == (
        "left out: 2 without an outcome yet; 1 new for the next version, which needs 1% new rows or --window"
    )
    assert len(site.rows("2026-03-01")) == 200
    assert [one.rows for one in site.write("2026-03-01")] == [201]
    site.tell(("r1", 201, 2.0), ("r1", 202, 2.0))  # the last ones
    assert [(one.rows, one.said) for one in site.write("day")] == [(203, "")]


def test_a_log_that_hid_columns_once_does_not_hold_up_the_periods_after(site: Site) -> None:
    site.log(("r1", logged.MORNING, [logged.TRIP]), dropped=["fare"])
    site.log(("r2", logged.MORNING + DAY, [logged.TRIP]))
    site.tell(("r2", 0, 1.0))
    assert site.write("day") == [
        WrittenSpan(span="2026-03-01", rows=0, said="no row can be trained on: 1 whose fare the log hides"),
        WrittenSpan(span="2026-03-02", rows=1, said=""),
    ]


def test_a_log_that_begins_within_the_period_is_told(site: Site) -> None:
    site.log(("r1", logged.MORNING + DAY, [logged.TRIP]))
    site.tell(("r1", 0, 1.0))
    assert [one.said for one in site.write("month")] == ["the log begins on 2026-03-02"]


def test_the_rows_of_a_stable_version_and_of_a_canary_count_alike(site: Site) -> None:
    """But an id that both answered has no outcome: nobody can say of which answer it is."""
    writer, _ = logged.start(site.base / "log")
    logged.offer(writer, "r1", [logged.TRIP], model_version=7, model_label="stable")
    logged.offer(writer, "r2", [logged.TRIP], model_version=8, model_label="canary")
    for version, seconds in ((7, 0), (8, 5)):
        received = logged.MORNING + datetime.timedelta(seconds=seconds)
        logged.offer(writer, "both", [logged.TRIP], model_version=version, received=received)
    writer.close()
    site.tell(("r1", 0, 1.0), ("r2", 0, 2.0))
    with pytest.raises(AssertionError):
        site.tell(("both", 0, 3.0))
    found = site.read()
    assert [row["tips"] for row in found.table.to_pylist()] == [1.0, 2.0]
    assert found.left_out.describe() == "2 without an outcome yet"


def test_a_period_without_an_outcome_writes_nothing(site: Site) -> None:
    site.log(("r1", logged.MORNING, [logged.TRIP]))
    (one,) = site.write("day")
    assert (one.rows, one.said) == (0, "no row can be trained on: 1 without an outcome yet")
    assert not (site.base / "spans").exists()


@pytest.mark.parametrize("text", ["week", "7d", "2026-13", "12"])
def test_a_window_that_is_none(text: str) -> None:
    with pytest.raises(SpanError, match=f"window '{text}': expected day, month or quarter"):
        parse_window(text)


def test_rows_of_several_classes_are_trained_on_too(site: Site) -> None:
    """What was asked twice was answered alike in all probabilities."""
    target = Target(problem=MULTICLASS, kind=Kind.BYTES, classes=("a", "b"))
    writer, _ = logged.start(site.base / "log", target=target)
    for name, seconds, said in (("again", 0, 0.25), ("again", 5, 0.25), ("other", 0, 0.25), ("other", 5, 0.375)):
        received = logged.MORNING + datetime.timedelta(seconds=seconds)
        logged.offer(writer, name, probabilities=[[said, 1 - said]], decisions=["b"], received=received)
    writer.close()
    site.tell(("again", 0, 1.5))
    found = site.read()
    assert [row["tips"] for row in found.table.to_pylist()] == [1.5]
    assert (found.left_out.repeated, found.left_out.waiting) == (1, 2)
