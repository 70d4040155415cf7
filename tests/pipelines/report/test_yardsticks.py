"""The yardsticks of a run: fitted once for the same rows, whatever the model is."""

import types
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.report import yardsticks
from pipelines.report.predictions import EvalPredictions
from pipelines.report.yardsticks import describe_yardsticks
from tests.tasks.diabetes.task import TASK

ROWS = 300
X = np.random.default_rng(2).normal(size=2 * ROWS).astype(np.float32)
LABELS = 3 * X


class FewParts:
    """What the section asks of a run, which takes a whole pipeline otherwise."""

    task = TASK.name

    def __init__(self, folder: Path):
        self.summary = {"rows": {"train": ROWS, "eval": ROWS}}
        self._folder = folder
        self.fitted = 0
        self.read: list[tuple[str, int]] = []  # split, one row in so many

    def artifact(self, node: str, key: str) -> Path:
        return self._folder / node / key

    def model(self) -> Any:
        self.fitted += 1
        contract = types.SimpleNamespace(features=[types.SimpleNamespace(name="x", written="")])
        return types.SimpleNamespace(contract=contract, transformed=lambda records: {TASK.label: LABELS[:ROWS, None]})

    def records(self, split: str, every: int = 1) -> list[bytes]:
        return [b""] * len(range(0, ROWS, every))

    def rows(self, split: str, every: int = 1) -> pd.DataFrame:
        self.read.append((split, every))
        x = X[:ROWS] if split == "train" else X[ROWS:]
        return pd.DataFrame({"x": x[::every]})


def measured(predictions: np.ndarray) -> EvalPredictions:
    return EvalPredictions(
        task=TASK, rows=pd.DataFrame({"x": X[ROWS:]}), labels=LABELS[ROWS:], predictions=predictions, baseline=None,
        baseline_note="",
    )  # fmt: skip


def test_the_best_yardstick_is_named_with_the_difference(tmp_path: Path) -> None:
    found = describe_yardsticks(FewParts(tmp_path), measured(LABELS[ROWS:] + 2), tmp_path)  # type: ignore[arg-type]
    assert [(row["name"], row["measure"]) for row in found["rows"][:2]] == [
        ("constant", "mean_squared_error"), ("constant", "mean_absolute_error")
    ]  # fmt: skip
    assert (found["best"]["name"], found["best"]["word"], found["best"]["css_class"]) == ("linear", "worse", "bad")
    assert found["best"]["difference"] == pytest.approx(4, rel=0.01)
    assert (found["train_rows"], found["eval_rows"]) == (ROWS, ROWS)


def test_another_model_on_the_same_rows_fits_nothing_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = FewParts(tmp_path)
    first = describe_yardsticks(run, measured(LABELS[ROWS:] + 2), tmp_path)  # type: ignore[arg-type]
    again = describe_yardsticks(run, measured(LABELS[ROWS:]), tmp_path)  # type: ignore[arg-type]
    assert run.fitted == 1
    assert again["best"]["value"] == first["best"]["value"]
    assert again["best"]["difference"] < first["best"]["difference"]
    monkeypatch.setattr(yardsticks, "source_digest", lambda code: "edited")
    describe_yardsticks(run, measured(LABELS[ROWS:]), tmp_path)  # type: ignore[arg-type]
    assert run.fitted == 2
    assert len(list((tmp_path / "yardsticks" / TASK.name).iterdir())) == 1, "the old one is gone"


def test_many_training_rows_are_sampled_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardsticks.comparison, "MOST_TRAIN_ROWS", 70)
    run = FewParts(tmp_path)
    monkeypatch.setattr(
        run, "model", lambda: types.SimpleNamespace(
            contract=types.SimpleNamespace(features=[types.SimpleNamespace(name="x", written="")]),
            transformed=lambda records: {TASK.label: LABELS[:ROWS:4][np.linspace(0, 74, 70).astype(int), None]},
        )
    )  # fmt: skip
    found = describe_yardsticks(run, measured(LABELS[ROWS:]), tmp_path)  # type: ignore[arg-type]
    assert (found["train_rows"], found["all_train_rows"]) == (70, ROWS)
    assert found["best"]["name"] == "linear"
    assert found["best"]["value"] < 0.1, "labels and rows were sampled alike"


def test_of_many_eval_rows_one_in_so_many_is_judged_on_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yardsticks.comparison, "MOST_EVAL_ROWS", 70)
    run = FewParts(tmp_path)
    found = describe_yardsticks(run, measured(LABELS[ROWS:]), tmp_path)  # type: ignore[arg-type]
    assert (found["eval_rows"], found["all_rows"]) == (60, ROWS)
    assert run.read == [("train", 1), ("eval", 5)]
    assert found["best"]["value"] < 0.1, "labels and rows were sampled alike"
