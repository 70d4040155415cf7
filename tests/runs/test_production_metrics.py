"""Production metrics of the taxi run: its own eval rows, logged as requests, have the Evaluator's own metrics."""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prometheus_client import CollectorRegistry

from pipelines.cli.app import execute
from pipelines.monitoring.labels import read_labels
from pipelines.monitoring.time_window import TimeWindow
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.logged_predictions import LoggedPredictions, read_logged_predictions
from pipelines.production_metrics.measurement import measure_production
from pipelines.production_metrics.records import MetricRecord, ProductionMetrics
from pipelines.production_metrics.reference import VersionReference, read_reference
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import split_windows
from pipelines.runs import RunError, Runs
from serving import contract as contracts
from serving.feedback.label import read_label
from serving.feedback.settings import FeedbackSettings
from serving.feedback.store import FeedbackStore
from serving.feedback.verdicts import Caller, Outcome
from serving.request_log.settings import RequestLogSettings
from serving.request_log.writer import RequestLog
from tests.runs.project import SOURCE, Finished, Project

pytestmark = pytest.mark.pipeline

CONTRACT = SOURCE / "data/schema/taxi.pbtxt"
DAYS = 14


@dataclasses.dataclass(frozen=True, kw_only=True)
class Production:
    """A gateway's log and feedback: the run's eval rows over two weeks, as its model answered them."""

    var: Path
    folder: Path  # with log and feedback
    version: int
    reference: VersionReference
    predictions: LoggedPredictions


@pytest.fixture(scope="module")
def production(taxi: Project, cold_taxi: Finished, tmp_path_factory: pytest.TempPathFactory) -> Production:
    return made_production(taxi.var, tmp_path_factory.mktemp("production"))


def made_production(var: Path, folder: Path) -> Production:
    version = int(str(Runs(var).open("latest").version))
    reference = read_reference(Runs(var), "taxi", version)
    requests = RequestLogSettings(folder=folder / "log", queue_rows=100_000)
    log = RequestLog(requests, contracts.read(CONTRACT), registry=CollectorRegistry())
    raw = reference.run.predict_eval_rows(None).rows
    rows = raw.astype(object).where(raw.notna(), None)
    now, tips = datetime.datetime.now(datetime.UTC), rows.pop("tips").tolist()
    for number, (row, probability) in enumerate(zip(rows.to_dict("records"), reference.predictions, strict=True)):
        log.offer(
            request_id=f"r{number}", rows=[row], probabilities=[float(probability)],
            decisions=[bool(probability >= 0.5)], model_version=version, model_label=None, status=200, latency_ms=3.0,
            received=now - datetime.timedelta(days=DAYS * (len(rows) - number) / len(rows)),
        )  # fmt: skip
    log.close()
    store = FeedbackStore(FeedbackSettings(folder=folder / "feedback"), read_label(CONTRACT), requests)
    told = [Outcome(request_id=f"r{number}", row=0, value=float(tip)) for number, tip in enumerate(tips)]
    assert store.store(told, Caller(digest=None)).stored == len(rows)
    store.close()
    return Production(
        var=var, folder=folder, version=version, reference=reference,
        predictions=read_logged_predictions(folder / "log", folder / "feedback"),
    )  # fmt: skip


def measured(production: Production, predictions: LoggedPredictions, days: int = DAYS) -> ProductionMetrics:
    times = predictions.rows["request_time"]
    windows = split_windows(times.min().to_pydatetime(), times.max().to_pydatetime(), datetime.timedelta(days=days), 9)
    return measure_production(
        predictions, windows, lambda _: production.reference, task="taxi", threshold=0.5, min_rows=100
    )


def changed(predictions: LoggedPredictions, **columns: Any) -> LoggedPredictions:
    return dataclasses.replace(predictions, rows=predictions.rows.assign(**columns))


def overall(found: ProductionMetrics) -> dict[str, MetricRecord]:
    return {record.metric: record for record in found.records if record.slice == "overall"}


def test_the_metrics_of_the_eval_rows_are_the_evaluators_own(production: Production) -> None:
    found = measured(production, production.predictions)
    table, compared = production.reference.run.metrics(), 0
    for record in found.records:
        assert record.production is not None
        if record.metric in table and np.isfinite(record.production.value):
            assert record.production.value == pytest.approx(table.loc[record.slice, record.metric], abs=1e-6)
            compared += 1
    assert compared > 80
    assert {record.verdict for record in overall(found).values()} == {GapVerdict.AS_PROMISED}
    undefined = [record for record in found.records if record.verdict is GapVerdict.UNDEFINED]
    assert {record.verdict for record in found.records} == {GapVerdict.AS_PROMISED, GapVerdict.UNDEFINED}
    assert all(np.isnan(record.production.value) for record in undefined if record.production)
    assert {record.labels_out for record in found.records} == {0}
    assert all(record.estimate_held for record in overall(found).values())
    assert found.notes == []


def test_monitoring_shows_the_same_of_a_window(production: Production) -> None:
    end = production.predictions.rows["request_time"].max().to_pydatetime() + datetime.timedelta(microseconds=1)
    labels = read_labels(
        "taxi", production.var, log=production.folder / "log", feedback=production.folder / "feedback",
        window=TimeWindow(end=end, length=datetime.timedelta(days=DAYS)),
    )  # fmt: skip
    assert labels.fault == ""
    assert labels.found is not None
    shown = {(one.slice, one.metric): (one.labelled, one.verdict) for one in labels.found.records}
    found = measured(production, production.predictions).records
    assert shown == {(one.slice, one.metric): (one.labelled, one.verdict) for one in found}


def test_labels_that_are_out_are_counted_and_estimated(production: Production) -> None:
    rows = production.predictions.rows
    late = rows["request_time"] >= rows["request_time"].max() - datetime.timedelta(days=7)
    found = measured(production, changed(production.predictions, outcome=rows["outcome"].where(~late)), days=7)
    first, second = (
        [record for record in found.records if record.window.start.date() == day and record.slice == "overall"]
        for day in sorted({record.window.start.date() for record in found.records})
    )
    assert {record.verdict for record in first} == {GapVerdict.AS_PROMISED}
    assert {(record.verdict, record.production, record.labelled) for record in second} == {
        (GapVerdict.NO_LABELS, None, 0)
    }
    for record in second:
        assert record.estimated is not None
        assert record.promised is not None
        # No change came: what is estimated is what was promised, but for chance.
        assert record.estimated.low <= record.promised.value <= record.estimated.high


def test_a_worse_model_is_called_worse(production: Production) -> None:
    """Half of those who tipped tip nothing: the predictions are the same, the answers are not."""
    rows = production.predictions.rows
    tips = rows["outcome"].where(np.arange(len(rows)) % 2 == 0, 0.0)
    found = overall(measured(production, changed(production.predictions, outcome=tips)))
    assert {name: record.verdict for name, record in found.items()} == {
        "auc": GapVerdict.WORSE, "binary_accuracy": GapVerdict.WORSE, "binary_crossentropy": GapVerdict.WORSE,
        "brier_score": GapVerdict.WORSE, "precision": GapVerdict.WORSE, "calibration": GapVerdict.CHANGED,
        "recall": GapVerdict.AS_PROMISED,
    }  # fmt: skip
    assert found["binary_crossentropy"].estimate_held is False


def test_what_the_log_hides_is_said(production: Production) -> None:
    hidden = dataclasses.replace(
        production.predictions,
        rows=production.predictions.rows.drop(columns="trip_miles").assign(company="0123"),
        hidden={"company": "hashed", "trip_miles": "dropped"},
    )
    found = measured(production, hidden)
    assert found.notes == ["company is hashed in the request log: there are no slices by it"]
    assert not [record for record in found.records if record.slice.startswith("company")]
    assert [record for record in found.records if record.slice.startswith("payment_type")]
    unsent = dataclasses.replace(
        production.predictions, rows=production.predictions.rows.drop(columns="company"), hidden={}
    )  # as a column that is not in requests
    assert measured(production, unsent).notes == ["company is no column in the request log: there are no slices by it"]
    without_fare = dataclasses.replace(
        production.predictions, rows=production.predictions.rows.drop(columns="fare"), hidden={"fare": "dropped"}
    )
    with pytest.raises(ProductionMetricsError, match=r"cannot be computed from the request log.*fare \(dropped\)"):
        measured(production, without_fare)


def test_rows_of_a_version_that_no_run_pushed_are_left_out_and_said(production: Production) -> None:
    rows = production.predictions.rows
    other = rows["model_version"].where(np.arange(len(rows)) >= 10, 5)

    runs = Runs(production.var)

    def read(version: int) -> VersionReference:
        return production.reference if version == production.version else read_reference(runs, "taxi", version)

    predictions = changed(production.predictions, model_version=other)
    (window,) = split_windows(
        rows["request_time"].min().to_pydatetime(), rows["request_time"].max().to_pydatetime(),
        datetime.timedelta(days=DAYS), 1,
    )  # fmt: skip
    found = measure_production(predictions, [window], read, task="taxi", threshold=0.5, min_rows=100)
    assert found.notes == ["10 rows of version 5 are left out: no run pushed version 5: did you mean "
                           f"{production.version}?"]  # fmt: skip
    assert overall(found)["auc"].rows == len(rows) - 10
    with pytest.raises(RunError, match="no run pushed version 5"):
        measure_production(changed(predictions, model_version=pd.array([5] * len(rows), "Int64")), [window], read,
                           task="taxi", threshold=0.5, min_rows=100)  # fmt: skip


def test_the_command_shows_and_writes(
    production: Production, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    command = ["production-metrics", "--var", str(production.var), "--window", "30d", "--out", str(out)]
    assert execute([*command, "--log", str(tmp_path)]) == 1
    assert "expected files of the request log" in capsys.readouterr().err
    assert not out.exists()
    folders = ["--log", str(production.folder / "log"), "--feedback", str(production.folder / "feedback")]
    assert execute([*command, *folders]) == 0
    content = json.loads(out.read_text())
    shown = capsys.readouterr().out
    rows = len(production.reference.rows)
    assert f"version {production.version}  {rows:,} rows, {rows:,} labelled, 0 labels out" in shown
    assert "slices without a gap beyond chance: --all-slices shows them" in shown
    auc = next(record for record in content["records"] if (record["slice"], record["metric"]) == ("overall", "auc"))
    assert (content["format"], auc["verdict"], auc["version"]) == (1, "as promised", str(production.version))
    assert f"{auc['production']['value']:.3f} ({auc['production']['low']:.3f}–" in shown
