"""Tasks of several classes and of numbers: logged answers, held against what was promised; nothing is estimated."""

import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation.slices import OVERALL
from pipelines.production_metrics import measurement
from pipelines.production_metrics.errors import ProductionMetricsError
from pipelines.production_metrics.logged_predictions import LoggedPredictions, read_logged_predictions
from pipelines.production_metrics.measurement import measure_production
from pipelines.production_metrics.records import MetricRecord
from pipelines.production_metrics.reference import VersionReference
from pipelines.production_metrics.verdict import GapVerdict
from pipelines.production_metrics.windows import Window
from pipelines.runs import Run
from pipelines.task_definition.problem import MULTICLASS, REGRESSION
from serving.contract import Kind
from serving.contract.target import Target
from tests.serving.request_log import logged
from tests.tasks.diabetes.task import TASK as DIABETES
from tests.tasks.iris.task import TASK as IRIS

ROWS = 400
TARGETS = {
    MULTICLASS: Target(problem=MULTICLASS, kind=Kind.INT, classes=(0, 1, 2)),
    REGRESSION: Target(problem=REGRESSION, kind=Kind.FLOAT),
}
TASKS = {MULTICLASS: IRIS, REGRESSION: DIABETES}
WINDOW = Window(start=logged.MORNING, end=logged.MORNING + datetime.timedelta(days=1))


def answers(problem: str, draw: np.random.Generator, skill: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and predictions of a model of some skill, from 0 to 1."""
    if problem == REGRESSION:
        labels = draw.normal(150, 50, ROWS)
        return labels, 150 + skill * (labels - 150) + draw.normal(0, 10, ROWS)
    labels = draw.integers(0, 3, ROWS)
    scores = draw.normal(0, 1, (ROWS, 3)) + 4 * skill * np.eye(3)[labels]
    return labels, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def reference(problem: str, draw: np.random.Generator) -> VersionReference:
    labels, predictions = answers(problem, draw, 0.8)
    run = SimpleNamespace(id="r", task_record=TASKS[problem])
    return VersionReference(
        run=cast(Run, run), rows=pd.DataFrame(index=range(ROWS)), labels=labels, predictions=predictions,
        slices={OVERALL: ()}, measured=pd.DataFrame(index=[OVERALL]), problem=problem,
    )  # fmt: skip


def log(folder: Path, problem: str, predictions: np.ndarray) -> LoggedPredictions:
    writer, _ = logged.start(folder / "log", target=TARGETS[problem])
    for number, said in enumerate(predictions.tolist()):
        one = {"values": [said], "probabilities": None, "decisions": None}
        if problem == MULTICLASS:
            one = {"probabilities": [said], "decisions": [int(np.argmax(said))]}
        received = logged.MORNING + datetime.timedelta(seconds=number)
        logged.offer(writer, f"r{number:03}", received=received, **one)
    writer.close()
    return read_logged_predictions(folder / "log", folder / "feedback")


def measured(
    monkeypatch: pytest.MonkeyPatch, promised: VersionReference, found: LoggedPredictions, labels: np.ndarray
) -> dict[str, MetricRecord]:
    """The records of all rows by metric; the outcomes are the labels, of which the last ones are out."""
    monkeypatch.setattr(measurement, "make_labels", lambda run, rows, name, hidden: rows["outcome"].to_numpy(float))
    outcomes = pd.Series(labels, dtype="float64").where(np.arange(ROWS) < ROWS - 50)
    known = LoggedPredictions(**{**vars(found), "rows": found.rows.assign(outcome=outcomes), "label": "any"})
    metrics = measure_production(known, [WINDOW], lambda _: promised, task="any", threshold=0.5, min_rows=10)
    return {record.metric: record for record in metrics.records}


EXPECTED: dict[str, dict[str, Any]] = {
    MULTICLASS: {
        "sparse_categorical_accuracy": lambda labels, said: (said.argmax(axis=1) == labels).mean(),
        "sparse_categorical_crossentropy": lambda labels, said: -np.log(said[np.arange(len(labels)), labels]).mean(),
    },
    REGRESSION: {
        "mean_absolute_error": lambda labels, said: np.abs(labels - said).mean(),
        "mean_squared_error": lambda labels, said: np.square(labels - said).mean(),
    },
}


@pytest.mark.parametrize("problem", [MULTICLASS, REGRESSION])
def test_a_model_that_keeps_its_promise_and_one_that_does_not(
    tmp_path: Path, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(5)
    promised = reference(problem, draw)
    for name, skill, verdict in (("kept", 0.8, GapVerdict.AS_PROMISED), ("broken", 0.2, GapVerdict.WORSE)):
        labels, predictions = answers(problem, draw, skill)
        found = measured(monkeypatch, promised, log(tmp_path / name, problem, predictions), labels)
        for metric, compute in EXPECTED[problem].items():
            record = found[metric]
            assert record.production is not None
            assert record.production.value == pytest.approx(compute(labels[:-50], predictions[:-50]), rel=1e-4)
            assert record.production.low < record.production.value < record.production.high
            assert (record.rows, record.labels_out, record.estimated) == (ROWS, 50, None)
            assert record.verdict is verdict, (name, metric)


def test_a_log_of_another_kind_or_other_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    labels, predictions = answers(MULTICLASS, draw, 0.8)
    found = log(tmp_path, MULTICLASS, predictions)
    with pytest.raises(ProductionMetricsError, match="expected answer_value in the request log, as a task of"):
        measured(monkeypatch, reference(REGRESSION, draw), found, labels)
    promised = reference(MULTICLASS, draw)
    promised = VersionReference(**{**vars(promised), "predictions": promised.predictions[:, :2]})
    with pytest.raises(ProductionMetricsError, match="expected 2 probabilities a row in answer_probabilities, "):
        measured(monkeypatch, promised, found, labels)
