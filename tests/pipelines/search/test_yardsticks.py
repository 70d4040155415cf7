"""The yardsticks of a comparison: fitted to each fold's rows, on the features that the candidates see."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.trainings import split_fold
from pipelines.search.yardsticks import make_frame, train_yardsticks
from tests.pipelines.search.quick import search_inputs


def test_every_seed_has_its_own_fold() -> None:
    inputs = search_inputs()
    found = train_yardsticks(inputs, 2)
    assert list(found) == ["yardstick: constant", "yardstick: linear", "yardstick: boosted trees"]
    for name, trainings in found.items():
        assert [one.number for one in trainings] == [0, 1]
        for one in trainings:
            _, scored = split_fold(inputs.rows, one.number)
            assert one.predictions is not None
            auc = roc_auc_score(scored.labels[:, 0], one.predictions)
            assert auc == 0.5 if name.endswith("constant") else auc > 0.6


def test_labels_that_are_all_the_same_leave_the_constant() -> None:
    inputs = search_inputs()
    same = TransformedRows(features=inputs.rows.features, labels=np.zeros_like(inputs.rows.labels))
    found = train_yardsticks(dataclasses.replace(inputs, rows=same), 1)
    assert found["yardstick: constant"][0].failure is None
    assert found["yardstick: linear"][0].failure == "the training rows have one label only"


def test_ids_are_categories_and_numbers_are_not() -> None:
    rows = TransformedRows(
        features={"a": np.array([[0.5, 1.5]], np.float32), "b": np.array([[7]])}, labels=np.zeros((1, 1))
    )
    frame = make_frame(rows)
    assert list(frame) == ["a 0", "a 1", "b 0"]
    assert frame.iloc[0].tolist() == [0.5, pytest.approx(1.5), "7"]
