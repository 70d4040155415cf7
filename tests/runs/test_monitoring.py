"""Traffic of a model that a run pushed, from the request log to page, record and metrics."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ml_metadata import MetadataStore
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from pipelines.production_metrics.command import measure_task
from pipelines.production_metrics.reference import read_reference
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.runs import Runs
from pipelines.runs.model import RunModel
from serving import contract as contracts
from serving.contract.target import Target
from serving.feedback.label import read_label
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome
from serving.problem import REGRESSION
from serving.request_log.settings import HASH_KEY_VARIABLE, RequestLogSettings
from serving.request_log.writer import RequestLog
from tests.runs.in_process import monitor_here
from tests.runs.project import Finished, Project
from tests.tasks.diabetes import data

pytestmark = pytest.mark.pipeline

END = datetime.datetime(2026, 3, 15, tzinfo=datetime.UTC)
WEEK = datetime.timedelta(days=7)
KEY = "a key of the tests"
Change = Callable[[pd.DataFrame], pd.DataFrame]


class Traffic:
    """Patients, drawn without replacement, as a gateway would log them: 221 a week."""

    def __init__(self, var: Path, folder: Path) -> None:
        (version,) = (path for path in (var / "serving" / "diabetes").iterdir() if path.name.isdecimal())
        self.version, self.folder = version.name, folder
        self._model = RunModel(version)
        patients = pd.read_csv(data.prepare(folder / "patients") / "patients.csv")
        self._patients = patients.sample(frac=1, random_state=2)

    def log(
        self,
        week: int,
        change: Change = lambda rows: rows,
        *,
        version: str | None = None,
        status: int = 200,
        **settings: Any,
    ) -> Path:
        """Logs a week's rows; week 0 is the last one before END. Returns the log's folder."""
        rows = change(self._patients.iloc[221 * (week % 2) : 221 * (week % 2 + 1)].copy())
        answers = self._model(rows)["prediction"].to_numpy()
        log = self.folder / "log"
        start = END - (week + 1) * WEEK
        contract = self._model.contract
        names = [feature.name for feature in contract.features]
        plain = rows[names].astype(object).where(rows[names].notna(), None).to_dict("records")
        for day in range(7):
            logged = RequestLog(
                RequestLogSettings(folder=log, keep_days=100_000, **settings),
                contract,
                registry=CollectorRegistry(),
                target=Target(problem=REGRESSION),
            )
            for place in range(day, len(plain), 7):
                logged.offer(
                    request_id=f"{week}-{place}",
                    rows=[plain[place]],
                    probabilities=None,
                    decisions=None,
                    values=[float(answers[place])] if status == 200 else None,
                    model_version=int(version or self.version) if status == 200 else None,
                    model_label=None,
                    status=status,
                    latency_ms=4.0 + place % 3,
                    received=start + datetime.timedelta(days=day, seconds=place),
                )
            logged.close()
        return log


@pytest.fixture
def traffic(project: Project, tmp_path: Path) -> Traffic:
    return Traffic(project.var, tmp_path)


def watch(project: Project, log: Path, *options: str) -> Finished:
    return monitor_here(project.var, "--log", str(log), "--until", END.isoformat(), *options)


def found(watched: Finished) -> set[tuple[str, str]]:
    return {(one["column"], one["test"]) for one in watched.summary["report"]["findings"]}


def test_traffic_like_training_is_unchanged_and_its_report_has_lineage(project: Project, traffic: Traffic) -> None:
    traffic.log(1)
    watched = watch(project, traffic.log(0))
    assert watched.status == 0, watched.told()
    record, report = watched.summary, watched.summary["report"]
    assert (record["verdict"], found(watched), report["anomalies"]) == ("unchanged", set(), [])
    assert report["rows"] == {"window": 221, "before": 221}
    assert report["tests"] > 90
    (version,) = report["versions"]
    assert (version["version"], version["known"], version["training_rows"]) == (traffic.version, True, 290)
    assert (version["p50_ms"], version["p99_ms"]) == (5.0, 6.0)
    assert "Unchanged  2026-03-08 00:00 to 2026-03-15 00:00 UTC: 221 rows answered, 221 in the window before" in (
        watched.terminal
    )
    # From the report back to the model that answered and to the statistics that it was trained with.
    store = MetadataStore(sqlite_metadata_connection_config(str(project.var / "metadata.sqlite")))
    (artifact,) = store.get_artifacts_by_uri(record["artifact"])
    (made,) = [event for event in store.get_events_by_artifact_ids([artifact.id]) if event.type in (3, 4)]
    inputs = {
        event.path.steps[0].key: store.get_artifacts_by_id([event.artifact_id])[0]
        for event in store.get_events_by_execution_ids([made.execution_id])
        if event.path.steps[0].key != "report"
    }
    assert inputs["training_statistics"].uri == version["statistics"]
    assert "/artifacts/diabetes/StatisticsGen/" in inputs["training_statistics"].uri
    assert "/artifacts/diabetes/Trainer/" in inputs["model"].uri
    # Looked at again, nothing is computed again.
    again = watch(project, traffic.folder / "log")
    assert {node["state"] for node in again.summary["nodes"] if not node["id"].endswith("Resolver")} == {"cached"}


def test_a_change_is_named_on_terminal_page_record_and_metrics(
    project: Project, traffic: Traffic, tmp_path: Path
) -> None:
    traffic.log(1)
    log = traffic.log(0, lambda rows: rows.assign(bmi=rows["bmi"] * 1.15, s6=np.nan))
    watched = watch(project, log, "--metrics", str(tmp_path / "metrics"))
    assert watched.status == 1, watched.told()
    assert watched.summary["verdict"] == "alarm"
    columns = {column for column, _ in found(watched)}
    assert {"bmi", "s6"} <= columns <= {"bmi", "s6", "prediction"}
    assert {("s6", "missing"), ("bmi", "order")} <= found(watched)
    assert "missing in 100.0%" in watched.terminal
    page = Path(watched.summary["page"]).read_text()
    assert '<h1 class="bad">Alarm</h1>' in page
    assert "missing in 100.0%" in page
    metrics = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families((tmp_path / "metrics" / "diabetes_traffic.prom").read_text())
        for sample in family.samples
    }
    assert metrics["traffic_alarm", "diabetes"] == 1
    assert metrics["traffic_missing_ratio", "diabetes", "s6"] == 1
    assert metrics["traffic_column_findings", "age", "diabetes"] == 0
    assert metrics["traffic_window_rows", "diabetes", "window"] == 221


def test_hidden_columns_are_watched_as_far_as_they_can_be(
    project: Project, traffic: Traffic, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = {"hashed": ("sex", "s6"), "dropped": ("age",), "hash_key": KEY.encode()}
    traffic.log(1, **hidden)
    log = traffic.log(0, lambda rows: rows.assign(sex="a"), **hidden)
    watched = watch(project, log)
    assert found(watched) >= {("sex", "distribution")}
    assert {one["reference"] for one in watched.summary["report"]["findings"] if one["column"] == "sex"} == {
        "window before"
    }
    words = {column["name"]: column["watched"] for column in watched.summary["report"]["columns"]}
    assert words["age"] == "not logged: not watched"
    assert words["sex"].startswith("hashed: only missing values, because there is no key")
    assert watched.summary["hidden"] == {"hashed": ["s6", "sex"], "dropped": ["age"]}
    # With the key, training values are hashed likewise: the one value is known, and too frequent; s6 is as it was.
    monkeypatch.setenv(HASH_KEY_VARIABLE, KEY)
    keyed = watch(project, log)
    references = {one["reference"] for one in keyed.summary["report"]["findings"] if one["column"] == "sex"}
    assert "training" in references
    assert {column for column, _ in found(keyed)} <= {"sex", "prediction"}
    words = {column["name"]: column["watched"] for column in keyed.summary["report"]["columns"]}
    assert words["sex"].startswith("hashed: hashes of both")


def test_a_version_from_elsewhere_is_compared_with_the_window_before(project: Project, traffic: Traffic) -> None:
    traffic.log(1, version="42")
    watched = watch(project, traffic.log(0, lambda rows: rows.assign(bp=rows["bp"] + 20), version="42"))
    (version,) = watched.summary["report"]["versions"]
    assert (version["version"], version["known"], version["training_rows"]) == ("42", False, None)
    assert ("bp", "order") in found(watched)
    assert {one["reference"] for one in watched.summary["report"]["findings"]} == {"window before"}
    assert "no: not compared with training" in Path(watched.summary["page"]).read_text()


def test_an_empty_window_is_said(project: Project, traffic: Traffic) -> None:
    watched = watch(project, traffic.log(9))
    assert watched.status == 0, watched.told()
    assert watched.summary["verdict"] == "empty"
    assert "No row was answered in the window." in Path(watched.summary["page"]).read_text()


def test_a_window_in_which_every_request_failed_is_an_alarm(project: Project, traffic: Traffic) -> None:
    traffic.log(1)
    watched = watch(project, traffic.log(0, status=503))
    assert (watched.status, watched.summary["verdict"]) == (1, "alarm"), watched.told()
    assert found(watched) == {("", "unanswered")}
    assert watched.summary["report"]["statuses"] == {"window": {"503": 221}, "before": {"200": 221}}
    assert "100.00% of 221 requests unanswered" in Path(watched.summary["page"]).read_text()


def test_a_broken_log_ends_the_command_and_says_why(project: Project, traffic: Traffic) -> None:
    log = traffic.log(0)
    file = next(log.glob("*/*.parquet"))
    file.write_bytes(b"no Parquet")
    watched = watch(project, log)
    assert watched.status == 1
    assert "error: " in watched.terminal
    assert str(file.name) in watched.terminal
    assert "log: " in watched.terminal
    assert json.loads(next((project.var / "monitoring" / "diabetes").glob("*/summary.json")).read_text())[
        "verdict"
    ] == ("failed")


def test_metrics_in_production_are_those_of_the_evaluation(project: Project, tmp_path: Path) -> None:
    """Of a regression: its own eval rows, logged as requests, with the outcomes that the data has."""
    (version,) = (path.name for path in (project.var / "serving" / "diabetes").iterdir() if path.name.isdecimal())
    reference = read_reference(Runs(project.var), "diabetes", int(version))
    contract_file = reference.run.task_record.contract
    requests = RequestLogSettings(folder=tmp_path / "log", keep_days=100_000)
    target = Target(problem=REGRESSION)
    log = RequestLog(requests, contracts.read(contract_file), registry=CollectorRegistry(), target=target)
    rows = reference.run.predict_eval_rows(None).rows
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    for number, (row, value) in enumerate(zip(plain, reference.predictions.tolist(), strict=True)):
        log.offer(
            request_id=f"r{number}", rows=[row], probabilities=None, decisions=None, values=[value],
            model_version=int(version), model_label=None, status=200, latency_ms=3.0,
        )  # fmt: skip
    log.close()
    store = FeedbackStore(FeedbackSettings(folder=tmp_path / "feedback"), read_label(contract_file), requests)
    told = [Outcome(request_id=f"r{number}", value=row["target"], row=0) for number, row in enumerate(plain)]
    assert store.store(told, Caller(digest=None)).stored == len(plain)
    store.close()
    found = measure_task(
        "tests.tasks.diabetes", project.var, log=tmp_path / "log", feedback=tmp_path / "feedback",
        length=datetime.timedelta(days=7), most=1,
    )  # fmt: skip
    table = reference.run.metrics()
    records = [one for one in found.records if one.metric in table]
    assert {one.metric for one in records if one.slice == "overall"} >= {"mean_squared_error"}
    for one in records:
        assert one.production is not None
        assert one.production.value == pytest.approx(table.loc[one.slice, one.metric], rel=1e-5)
        assert one.verdict is GapVerdict.AS_PROMISED
        assert one.estimated is None
