"""The log joined with feedback: each row once, outcomes where they belong, and what is left out is counted."""

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli.app import app
from pipelines.production_metrics import command
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.logged_predictions import find_newest, read_logged_predictions
from serving.cli.usage import execute
from serving.feedback import columns
from serving.feedback.label import read_label
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome
from serving.request_log.files import GrowingFile, LogFolder
from serving.request_log.settings import RequestLogSettings
from tests.serving.request_log import logged

EARLIER = logged.MORNING - datetime.timedelta(days=30)


def write_log(folder: Path, **settings: Any) -> None:
    """Requests r0 to r4 of two rows each, one every hour, one that no model answered, and one of long ago."""
    writer, _ = logged.start(folder / "log", **settings)
    for number in range(5):
        rows = [logged.TRIP | {"area": None}, logged.TRIP]
        received = logged.MORNING + datetime.timedelta(hours=number)
        logged.offer(writer, f"r{number}", rows, probabilities=[0.25, 0.5], received=received)
    logged.offer(writer, "failed", status=503, probabilities=None, decisions=None, model_version=3)
    logged.offer(writer, "old", received=EARLIER)
    writer.close()


def tell(folder: Path, *outcomes: tuple[str, int, float], **log: Any) -> None:
    kept = FeedbackSettings(folder=folder / "feedback", keep_days=100_000, accept_days=100_000)
    requests = RequestLogSettings(folder=folder / "log", keep_days=100_000, **log)
    store = FeedbackStore(kept, read_label(logged.schema_file(folder)), requests)
    verdict = store.store([Outcome(request_id=one, row=row, value=value) for one, row, value in outcomes],
                          Caller(digest=None))  # fmt: skip
    store.close()
    assert verdict.stored == len(outcomes)


def test_outcomes_stand_at_their_rows(tmp_path: Path) -> None:
    write_log(tmp_path)
    tell(tmp_path, ("r1", 0, 1.5), ("r1", 1, 0.0), ("r4", 1, 9.0), ("old", 0, 3.0))
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert len(found.rows) == 11
    told = found.rows[found.rows["outcome"].notna()]
    assert list(zip(told["request_id"], told["request_row"], told["outcome"], strict=True)) == [
        ("old", 0, 3.0), ("r1", 0, 1.5), ("r1", 1, 0.0), ("r4", 1, 9.0),
    ]  # fmt: skip
    assert str(found.rows["area"].dtype) == "Int64"
    assert found.rows["area"].isna().sum() == 5
    assert (found.label, found.hidden) == ("tips", {})
    assert (found.ambiguous, found.contradictory, found.unmatched) == (0, 0, 0)


def test_a_start_leaves_out_what_is_older(tmp_path: Path) -> None:
    write_log(tmp_path)
    tell(tmp_path, ("r1", 0, 1.5), ("old", 0, 3.0))
    start = logged.MORNING + datetime.timedelta(hours=1)
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback", start)
    assert found.rows["request_id"].tolist() == ["r1", "r1", "r2", "r2", "r3", "r3", "r4", "r4"]
    assert found.rows["outcome"].notna().sum() == 1
    assert found.unmatched == 0


def test_files_of_a_gateway_that_did_not_log_callers_count(tmp_path: Path) -> None:
    write_log(tmp_path)
    writer, _ = logged.start(tmp_path / "log", dropped=["request_caller"])
    logged.offer(writer, "newer")
    writer.close()
    older, newer = sorted(logged.files(tmp_path / "log"), key=lambda path: path.stat().st_mtime)[-2:]
    schema = logged.table(older).schema
    pq.write_table(logged.table(newer).replace_schema_metadata(schema.metadata), newer)
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert len(found.rows) == 12


def test_no_outcome_has_come(tmp_path: Path) -> None:
    write_log(tmp_path)
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert found.label is None
    assert found.rows["outcome"].isna().all()


def test_what_the_log_hides_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, dropped=["tract"], hashed=["company", "request_id"], hash_key=logged.KEY)
    tell(tmp_path, ("r1", 1, 1.5), hashed=("request_id",), hash_key=logged.KEY)
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert found.hidden == {"tract": "dropped", "company": "hashed"}
    assert found.rows["outcome"].notna().sum() == 1


def test_contradictions_between_processes_and_files_twice_are_counted(tmp_path: Path) -> None:
    """What two processes may leave: one row with two outcomes, one outcome in two files, one of a row that is gone."""
    write_log(tmp_path)
    schema = columns.arrow_schema(read_label(logged.schema_file(tmp_path)))

    def write(*outcomes: tuple[str, float]) -> None:
        rows = [
            {"request_id": one, "request_row": 0, "request_time": logged.MORNING, "outcome": value,
             "feedback_time": logged.MORNING, "feedback_caller": None}
            for one, value in outcomes
        ]  # fmt: skip
        file = GrowingFile(schema, 0.0)
        file.append(pa.Table.from_pylist(rows, schema=schema), logged.MORNING)
        LogFolder(FeedbackSettings(folder=tmp_path / "feedback")).write(*file.finish())

    write(("r0", 1.0), ("gone", 2.0))
    write(("r0", 1.0))
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert found.rows["outcome"].dropna().tolist() == [1.0]
    assert (found.contradictory, found.unmatched) == (0, 1)
    write(("r0", 5.0))
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert found.rows["outcome"].isna().all()
    assert (found.contradictory, found.unmatched) == (1, 1)


def test_one_id_twice_in_the_same_moment_is_left_out(tmp_path: Path) -> None:
    writer, _ = logged.start(tmp_path / "log")
    for name, probability in (("a", 0.25), ("a", 0.5), ("b", 0.25)):
        logged.offer(writer, name, probabilities=[probability])
    writer.close()
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    assert (found.rows["request_id"].tolist(), found.ambiguous) == (["b"], 2)


def test_a_request_that_was_repeated_counts_once(tmp_path: Path) -> None:
    writer, _ = logged.start(tmp_path / "log")
    for seconds in (0, 30, 200):
        logged.offer(writer, "a", received=logged.MORNING + datetime.timedelta(seconds=seconds))
    writer.close()
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback")
    times = [(time - found.rows["request_time"].min()).total_seconds() for time in found.rows["request_time"]]
    assert (times, found.repeated) == ([0, 170], 1)


def test_an_id_that_comes_again_later_is_another_row(tmp_path: Path) -> None:
    """Two callers chose the same id; one of them tells what became of its row."""
    writer, _ = logged.start(tmp_path / "log")
    logged.offer(writer, "a", caller="0123", received=EARLIER)
    logged.offer(writer, "a", caller="4567")
    writer.close()
    kept = FeedbackSettings(folder=tmp_path / "feedback", keep_days=100_000, accept_days=100_000)
    requests = RequestLogSettings(folder=tmp_path / "log", keep_days=100_000)
    store = FeedbackStore(kept, read_label(logged.schema_file(tmp_path)), requests)
    told = [Outcome(request_id="a", row=0, value=1.5)]
    assert store.store(told, Caller(digest="4567")).stored == 1
    found = read_logged_predictions(tmp_path / "log", tmp_path / "feedback").rows
    assert found["outcome"].isna().tolist() == [True, False]
    assert store.store(told, Caller(digest="0123")).stored == 1
    store.close()
    assert read_logged_predictions(tmp_path / "log", tmp_path / "feedback").rows["outcome"].tolist() == [1.5, 1.5]


@pytest.mark.parametrize(("settings", "message"), [
    ({"dropped": ["answer_probability"]}, "but it drops answer_probability"),
    ({"dropped": ["request_row"]}, "but it drops request_row"),
])  # fmt: skip
def test_a_log_that_cannot_be_joined(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    write_log(tmp_path, **settings)
    with pytest.raises(ProductionMetricsError, match=message):
        read_logged_predictions(tmp_path / "log", tmp_path / "feedback")


def test_no_log(tmp_path: Path) -> None:
    with pytest.raises(ProductionMetricsError, match="expected files of the request log"):
        read_logged_predictions(tmp_path, tmp_path)
    with pytest.raises(ProductionMetricsError, match="expected files of the request log"):
        find_newest(tmp_path)


def test_a_log_whose_rows_cannot_be_told_apart(tmp_path: Path) -> None:
    writer, _ = logged.start(tmp_path / "log")
    for probability in (0.25, 0.5):
        logged.offer(writer, "a", probabilities=[probability])
    writer.close()
    with pytest.raises(ProductionMetricsError, match="each with its own id, number and time, received none"):
        read_logged_predictions(tmp_path / "log", tmp_path / "feedback")


def test_folders_and_records_of_a_dotted_task_have_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[dict[str, Any]] = []

    def measure(task: str, var: Path, **given: Any) -> None:
        measured.append({"task": task, **given})
        raise ProductionMetricsError("measured")

    monkeypatch.setattr(command, "measure_task", measure)
    assert execute(app, ["production-metrics", "--task", "tests.tasks.diabetes", "--var", str(tmp_path)]) == 1
    folders = {name: tmp_path / name / "diabetes" for name in ("requests", "feedback")}
    assert [(one["task"], one["log"], one["feedback"]) for one in measured] == [
        ("tests.tasks.diabetes", folders["requests"], folders["feedback"])
    ]


def test_only_the_files_of_the_windows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of months need not fit into memory: an old file may even be damaged."""
    for hours in (-24 * 30, 0, 3, 5):
        writer, _ = logged.start(tmp_path / "log")
        status = {} if hours < 5 else {"status": 503, "probabilities": None, "decisions": None}
        logged.offer(writer, f"r{hours}", received=logged.MORNING + datetime.timedelta(hours=hours), **status)
        writer.close()
    logged.files(tmp_path / "log")[0].write_bytes(b"damaged")
    measured: list[Any] = []
    monkeypatch.setattr(command, "measure_production", lambda *given, **_: measured.append(given))
    folders = {"log": tmp_path / "log", "feedback": tmp_path / "feedback"}
    command.measure_task("taxi", tmp_path, **folders, length=datetime.timedelta(hours=2), most=1)
    command.measure_task("taxi", tmp_path, **folders, length=datetime.timedelta(days=7), most=3)
    assert [found.rows["request_id"].tolist() for found, _, _ in measured] == [["r3"], ["r0", "r3"]]
    assert [len(windows) for _, windows, _ in measured] == [1, 1]
    with pytest.raises(ProductionMetricsError, match=r"received one that cannot be read: .*Move it out"):
        command.measure_task("taxi", tmp_path, **folders, length=datetime.timedelta(days=30), most=10**9)
