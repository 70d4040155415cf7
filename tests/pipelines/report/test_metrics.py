"""What is said of slices, on rows whose predictions are known to be better here and worse there."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation.slices import OVERALL
from pipelines.report import metrics
from pipelines.report.predictions import EvalPredictions
from pipelines.task_definition.problem import BINARY
from tests.tasks.diabetes.task import TASK

ROWS = 400
CITY = np.array(["ash", "bay"]).repeat(ROWS // 2)
LABELS = np.arange(ROWS) % 2
SURE, UNSURE = np.where(LABELS == 1, 0.9, 0.1), np.where(LABELS == 1, 0.6, 0.4)
LOSS = {0.9: -np.log(0.9), 0.6: -np.log(0.6)}


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """What metrics.by_slice asks of a run: here the Evaluator's part, which takes a whole pipeline otherwise."""

    table: pd.DataFrame
    by: dict[str, Any] = dataclasses.field(
        default_factory=lambda: {"city = ash": (("city", "ash"),), "city = bay": (("city", "bay"),)}
    )

    def metrics(self) -> pd.DataFrame:
        return self.table

    def slices(self) -> dict[str, Any]:
        return {OVERALL: (), **self.by}


def by_slice(predictions: np.ndarray, baseline: np.ndarray | None) -> pd.DataFrame:
    def loss(inside: np.ndarray) -> float:
        return float(-np.log(np.where(LABELS == 1, predictions, 1 - predictions))[inside].mean())

    table = pd.DataFrame(
        {"binary_crossentropy": [loss(CITY != ""), loss(CITY == "ash"), loss(CITY == "bay")]},
        index=[OVERALL, "city = ash", "city = bay"],
    )
    measured = EvalPredictions(
        task=dataclasses.replace(TASK, problem=BINARY), rows=pd.DataFrame({"city": CITY}), labels=LABELS,
        predictions=predictions, baseline=baseline, baseline_note="",
    )  # fmt: skip
    return metrics.compare_by_slice(Evaluated(table), measured)


def test_a_slice_is_held_against_the_blessed_model() -> None:
    frame = by_slice(np.where(CITY == "ash", SURE, UNSURE), np.where(CITY == "ash", UNSURE, SURE))
    ash, bay = frame.set_index("label").loc[["ash", "bay"]].to_dict("records")
    gain = LOSS[0.6] - LOSS[0.9]
    assert (ash["value"], ash["change"], ash["word"]) == (
        pytest.approx(LOSS[0.9]), pytest.approx(-gain), "better",
    )  # fmt: skip
    assert (bay["value"], bay["change"], bay["word"]) == (pytest.approx(LOSS[0.6]), pytest.approx(gain), "worse")
    assert bay["change_low"] == pytest.approx(gain)
    assert metrics.find_changed_slices(frame)["label"].tolist() == ["bay", "ash"]  # what is worse comes first


def test_of_equal_models_nothing_is_said() -> None:
    frame = by_slice(SURE, SURE)
    assert frame["word"].tolist() == ["no clear change"] * 2
    assert metrics.find_changed_slices(frame).empty


def test_without_a_blessed_model_nothing_is_said() -> None:
    frame = by_slice(SURE, None)
    assert frame["change"].isna().all()
    assert frame["word"].tolist() == ["", ""]
    assert metrics.find_changed_slices(frame).empty


@pytest.mark.parametrize(("values", "rows"), [(("0", "1"), (200, 200)), (("ash", "bay"), (150, 250))])
def test_a_slice_of_transformed_values_has_the_evaluators_value_and_no_interval(
    values: tuple[str, str], rows: tuple[int, int]
) -> None:
    """Where Transform makes a feature of a raw column's name, TFMA slices by it: 0 and 1 here, or other rows."""
    names = [f"city = {value}" for value in values]
    table = pd.DataFrame({"binary_crossentropy": [0.3, 0.1, 0.5], "example_count": [ROWS, *rows]}, [OVERALL, *names])
    run = Evaluated(table, {name: (("city", value),) for name, value in zip(names, values, strict=True)})
    measured = EvalPredictions(
        task=dataclasses.replace(TASK, problem=BINARY), rows=pd.DataFrame({"city": CITY}), labels=LABELS,
        predictions=SURE, baseline=UNSURE, baseline_note="",
    )  # fmt: skip
    frame = metrics.compare_by_slice(run, measured)
    assert frame[["label", "rows", "value"]].to_numpy().tolist() == [
        [values[0], rows[0], 0.1],
        [values[1], rows[1], 0.5],
    ]
    assert frame[["low", "high", "change", "change_low", "change_high"]].isna().all(axis=None)
    assert frame["word"].tolist() == ["", ""]
    assert metrics.mask_undefined(run, measured).loc[names, "binary_crossentropy"].tolist() == [0.1, 0.5]


SLICES = pd.DataFrame(
    [("a", 0.6, 0.5, 0.7), ("b", 0.8, 0.7, 0.95), ("c", 0.95, 0.9, 0.99), ("d", math.nan, math.nan, math.nan)],
    columns=["slice", "value", "low", "high"],
)


@pytest.mark.parametrize(
    ("metric", "expected"), [("auc", [("a", True), ("b", False)]), ("mean_squared_error", [("c", False)])]
)
def test_the_worst_slices_and_whether_chance_explains_them(metric: str, expected: list[tuple[str, bool]]) -> None:
    found = metrics.find_worst_slices(SLICES.assign(metric=metric), metric, 0.9)
    assert list(zip(found["slice"], found["beyond"], strict=True)) == expected
