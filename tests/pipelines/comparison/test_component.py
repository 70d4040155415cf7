"""With which earlier models a new one is compared, and what is said where it cannot be."""

from pathlib import Path

import numpy as np
import pytest
from tfx.types.standard_artifacts import Model

from components import artifacts
from pipelines.comparison.component import compare_with_earlier
from pipelines.evaluation.model_comparison import BETTER, FIRST, NOT_COMPARED, ModelComparison
from pipelines.evaluation.row_predictions import RowPredictions, write_predictions
from pipelines.task_definition.scoping import Comparison

AGREED = Comparison(metric="MeanSquaredError", not_worse_than=0.1, not_worse_than_best=0.1, reason="")
LABELS = np.random.default_rng(1).normal(size=100)
RECORDS = [b"row"] * len(LABELS)


def of_rows(predictions: np.ndarray, labels: np.ndarray = LABELS) -> RowPredictions:
    return RowPredictions(rows_digest="these", labels=labels, predictions=predictions.astype(np.float32), slices={})


def compare(folder: Path, *earlier: RowPredictions) -> ModelComparison:
    """Compares a good model with earlier ones that were stored, the newest first; none of them has a SavedModel."""
    models, comparisons = [], []
    for number, stored in enumerate(earlier, start=1):
        place = folder / str(number)
        place.mkdir()
        write_predictions(place, stored)
        model, comparison = Model(), artifacts.ModelComparison()
        model.uri, comparison.uri = str(folder / f"model {number}"), str(place)
        comparison.set_string_custom_property(artifacts.ModelComparison.MODEL_URI, model.uri)
        models.append(model)
        comparisons.append(comparison)
    return compare_with_earlier(AGREED, of_rows(LABELS + 0.01), lambda: [RECORDS], models, comparisons, 1, "label")


def test_what_was_stored_of_the_same_rows_is_not_asked_again(tmp_path: Path) -> None:
    found = compare(tmp_path, of_rows(LABELS + 1), of_rows(LABELS + 2))
    assert (found.outcome, found.looked_at, found.same_rows) == (BETTER, 2, True)
    # 0.01 squared less 1 squared
    assert found.differences[0].value == pytest.approx(-0.9999, abs=1e-4)


def test_nothing_was_pushed(tmp_path: Path) -> None:
    assert compare(tmp_path).outcome == FIRST


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (of_rows(LABELS + 1, labels=np.where(LABELS > 1, -LABELS, LABELS)), f"{int((LABELS > 1).sum())} of 100 rows"),
        (of_rows(np.ones((100, 3))), "expected predictions of shape (100,)"),
    ],
    ids=["another label", "more outputs"],
)
def test_a_model_that_answers_another_question_is_not_compared_with(
    tmp_path: Path, stored: RowPredictions, why: str
) -> None:
    found = compare(tmp_path, stored, of_rows(LABELS + 1))
    assert found.outcome == NOT_COMPARED
    assert why in found.why_not


def test_an_older_model_that_cannot_be_asked_is_no_candidate_for_the_best(tmp_path: Path) -> None:
    found = compare(tmp_path, of_rows(LABELS + 1), of_rows(LABELS, labels=LABELS + 1))
    assert (found.outcome, found.looked_at) == (BETTER, 1)


def test_labels_that_were_rounded_otherwise_are_the_same_labels(tmp_path: Path) -> None:
    assert compare(tmp_path, of_rows(LABELS + 1, labels=LABELS.astype(np.float32))).outcome == BETTER
