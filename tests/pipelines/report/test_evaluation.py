"""Which figures a kind of problem gets, and what they are made from."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from pipelines.report.evaluation import make_figures
from pipelines.report.predictions import EvalPredictions
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION
from tests.tasks.diabetes.task import TASK

GENERATOR = np.random.default_rng(6)
ROWS = 90


def measured(problem: str, labels: np.ndarray, predictions: np.ndarray, **more: object) -> EvalPredictions:
    task = dataclasses.replace(TASK, problem=problem, **more)
    rows = pd.DataFrame(index=range(len(labels)))
    return EvalPredictions(
        task=task, rows=rows, labels=labels, predictions=predictions, baseline=None, baseline_note=""
    )


def test_two_classes() -> None:
    found = make_figures(measured(BINARY, np.arange(ROWS) % 2, GENERATOR.random(ROWS), classes=("no", "yes")), 0.3)
    titles = ["ROC", "Precision and recall", "Calibration", "Predictions by label", "Confusion at 0.3"]
    assert [figure.title for figure in found] == titles
    cells = next(rows for rows in json.loads(found[-1].spec)["datasets"].values() if "share" in rows[0])
    assert {cell["actual"] for cell in cells} == {"no", "yes"}
    assert sum(cell["rows"] for cell in cells) == ROWS


@pytest.mark.parametrize("names", [(), ("setosa", "versicolor", "virginica")])
def test_several_classes(names: tuple[str, ...]) -> None:
    labels = np.arange(ROWS) % 3
    probabilities = np.full((ROWS, 3), 0.2)
    probabilities[np.arange(ROWS), np.where(labels == 2, 1, labels)] = 0.6
    (confusion,) = make_figures(measured(MULTICLASS, labels, probabilities, classes=names), 0.5)
    (cells,) = json.loads(confusion.spec)["datasets"].values()
    last, middle = (names or ("0", "1", "2"))[2], (names or ("0", "1", "2"))[1]
    taken = {(cell["actual"], cell["predicted"]): cell["rows"] for cell in cells}
    assert (taken[last, middle], taken[last, last]) == (30, 0)


def test_numbers() -> None:
    labels = GENERATOR.normal(size=ROWS).astype(np.float32)
    found = make_figures(measured(REGRESSION, labels, labels + 1), 0.5)
    assert [figure.title for figure in found] == ["Predicted against actual", "Errors"]


def test_a_large_eval_split_gets_fewer_resamples() -> None:
    few, many = (measured(REGRESSION, np.zeros(rows), np.zeros(rows)).resamples for rows in (1000, 200_000))
    assert (few, many) == (300, 150)
