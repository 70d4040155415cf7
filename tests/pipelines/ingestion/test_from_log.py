"""Rows that were seen in production, from the gateway's log to an accepted span of the real pipeline."""

import dataclasses
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import tensorflow as tf

from components.accepted_spans import list_accepted_spans
from pipelines.runner.metadata_cleanup import open_metadata_store
from pipelines.runs.examples import read_records
from serving import contract as contracts
from serving.feedback.label import read_label
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome
from serving.request_log.settings import RequestLogSettings
from tests.runs.in_process import ingest_here
from tests.runs.project import DIABETES, SOURCE, Finished
from tests.serving.request_log import logged
from tests.tasks.diabetes import data

pytestmark = pytest.mark.pipeline
CONTRACT = SOURCE / "tests" / "tasks" / "diabetes" / "schema.pbtxt"
SPLITS = ("train", "eval")
PLACES = {"log": "requests", "feedback": "feedback"}  # option -> folder below var


@dataclasses.dataclass(frozen=True, kw_only=True)
class Taken:
    """All patients but two, whose outcomes are not in, ingested from the log; and as a file with the same rows."""

    of_log: Finished
    again: Finished  # after one of the two outcomes came
    at_rest: Finished  # once more, as the loop does at every pass
    var: Path
    of_file: Path  # the var folder of the other


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Taken:
    base = tmp_path_factory.mktemp("from-log")
    var, other = base / "var", base / "other"
    patients = pd.read_csv(data.prepare(base / "all") / "patients.csv")
    features = patients.drop(columns="target")
    rows = [{name: None if pd.isna(one) else one for name, one in row.items()} for row in features.to_dict("records")]
    writer, _ = logged.start(var / "requests" / "diabetes", contract=contracts.read(CONTRACT))
    # A request of each two patients, of the same moment: their order is that of the ids.
    for number in range(0, len(rows), 2):
        logged.offer(writer, f"r{number:03}", rows[number : number + 2])
    writer.close()
    tell(var, patients, range(len(rows) - 2))
    of_log = ingest_here(var, None, "--window", "day", task=DIABETES)
    (base / "arrived").mkdir()
    patients[:-2].to_csv(base / "arrived" / "2026-03-01.csv", index=False)
    assert ingest_here(other, base / "arrived", task=DIABETES).status == 0
    tell(var, patients, [len(rows) - 2])
    again = ingest_here(var, None, "--window", "2026-03-01", task=DIABETES)
    at_rest = ingest_here(var, None, "--window", "day", task=DIABETES)
    return Taken(of_log=of_log, again=again, at_rest=at_rest, var=var, of_file=other)


def tell(var: Path, patients: pd.DataFrame, numbers: range | list[int]) -> None:
    settings = FeedbackSettings(folder=var / "feedback" / "diabetes", keep_days=100_000, accept_days=100_000)
    log = RequestLogSettings(folder=var / "requests" / "diabetes", keep_days=100_000)
    store = FeedbackStore(settings, read_label(CONTRACT), log)
    told = [
        Outcome(request_id=f"r{number - number % 2:03}", row=number % 2, value=float(patients["target"][number]))
        for number in numbers
    ]
    assert store.store(told, Caller(digest=None)).stored == len(told)
    store.close()


def examples(var: Path) -> dict[str, Counter[str]]:
    """The rows of the newest accepted version of the one span, by split, as text: features in order of their names."""
    (span,) = list_accepted_spans(open_metadata_store(var / "metadata.sqlite"), "diabetes_spans", "")
    return {split: Counter(map(as_text, read_records(Path(span.examples.uri), split))) for split in SPLITS}


def as_text(record: bytes) -> str:
    features = tf.train.Example.FromString(record).features.feature
    return "".join(f"{name}: {features[name]}" for name in sorted(features))


def test_rows_of_the_log_are_a_span_and_what_was_left_out_is_said(taken: Taken) -> None:
    assert taken.of_log.status == 0, taken.of_log.told()
    assert "2026-03-01  440 rows of the log  left out: 2 without an outcome yet" in taken.of_log.terminal
    (span,) = taken.of_log.summary["spans"]
    assert (span["span"], span["state"], span["version"], sum(span["rows"].values())) == (
        "2026-03-01",
        "accepted",
        1,
        440,
    )


def test_an_outcome_that_comes_later_makes_a_new_version(taken: Taken) -> None:
    (span,) = taken.again.summary["spans"]
    assert (span["state"], span["version"], sum(span["rows"].values())) == ("accepted", 2, 441)


def test_where_nothing_came_nothing_is_read_again(taken: Taken) -> None:
    (span,) = taken.at_rest.summary["spans"]
    assert (taken.at_rest.status, span["state"], span["version"]) == (0, "unchanged", 2)


def test_they_are_the_rows_that_a_file_of_the_same_patients_gives_each_on_the_same_side(taken: Taken) -> None:
    """The very same contract and split rules; the one patient whose outcome came later is the difference."""
    of_log, of_file = examples(taken.var), examples(taken.of_file)
    assert sum(map(Counter.total, of_file.values())) == 440
    more = {split: of_log[split] - of_file[split] for split in SPLITS}
    assert sum(map(Counter.total, more.values())) == 1
    assert all(not of_file[split] - of_log[split] for split in SPLITS)


def test_files_and_the_log_do_not_replace_each_other_s_rows(taken: Taken) -> None:
    """Else a loop with both would ingest the span twice at every pass."""
    arrived = taken.var.parent / "arrived"
    of_files = ingest_here(taken.var, arrived, task=DIABETES)
    places = [f"--{name}={taken.var / folder / 'diabetes'}" for name, folder in PLACES.items()]
    of_log = ingest_here(taken.of_file, None, "--window", "2026-03-01", *places, task=DIABETES)
    for run, before, now in (
        (of_files, taken.var / "data" / "diabetes-logged" / "day", arrived),
        (of_log, arrived, taken.of_file / "data" / "diabetes-logged" / "day"),
    ):
        assert run.status == 1
        assert run.summary["error"].startswith(
            f"span 2026-03-01: expected rows from {before}, as in its accepted version, received rows from {now}: "
        )


def test_a_window_without_a_row_is_an_error(taken: Taken) -> None:
    run = ingest_here(taken.var, None, "--window", "2026-05", task=DIABETES)
    assert run.status == 1
    assert run.summary["error"] == "span 2026-05: no row can be trained on: the log has none"


def test_a_log_of_nothing_that_is_over_is_no_failure(tmp_path: Path) -> None:
    run = ingest_here(tmp_path, None, task=DIABETES)
    assert run.status == 0
    assert "no month that is over has a row with an outcome" in run.terminal
