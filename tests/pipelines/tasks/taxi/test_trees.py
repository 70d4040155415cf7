"""Trees take every feature as its record says, however wide it is."""

import dataclasses
import json
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from pipelines.config import TrainerConfig
from pipelines.modeling.fitting import HISTORY_FILE
from pipelines.modeling.transformed_rows import TrainingError, TransformedRows
from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.columns import Columns
from pipelines.tasks.taxi.kinds.kind import Category, Number, Transformed, VocabularySize
from pipelines.tasks.taxi.trees import fit_trees
from tests.pipelines.tasks.taxi.committed import COMMITTED
from tests.pipelines.tasks.taxi.made_rows import made_rows, vocabulary_size

pytestmark = pytest.mark.slow

TRANSFORM: Any = types.SimpleNamespace(vocabulary_size_by_name=vocabulary_size)
SMALL = dataclasses.replace(COMMITTED, trees=20, leaf_rows=5, tree_learning_rate=0.5)


class Made:
    """A feature whose values the test makes up."""

    shape = (3,)
    columns = ()

    @classmethod
    def compute(cls, features: Sequence[Self], columns: Columns, made: Mapping[str, tf.Tensor]) -> Transformed:
        raise NotImplementedError


class WideNumber(Made, Number):
    """Three numbers."""


class WideCategory(Made, Category):
    """Three ids."""

    def count_ids(self, vocabulary_size: VocabularySize) -> int:
        return 8


WIDE = (WideCategory(name="ids"), WideNumber(name="numbers"))


def rows(labels: np.ndarray | None = None) -> TransformedRows:
    """The label hangs on whether the last id is odd, which no threshold tells."""
    features = made_rows(400, WIDE)
    return TransformedRows(features=features, labels=features["ids"][:, 2:] % 2 if labels is None else labels)


def test_each_column_of_a_wide_feature_enters_as_the_feature_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ft, "FEATURES", WIDE)
    stumps = dataclasses.replace(SMALL, trees=1, tree_leaves=2, tree_learning_rate=1.0)
    model = fit_trees(stumps, rows(), rows(), TRANSFORM, TrainerConfig(), None)
    given = model.predict(rows().features, verbose=0)
    assert ((given > 0.5) == rows().labels).all()  # One split tells odd ids from even ones: of a set, not of a number.


def test_the_history_has_both_losses_of_each_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ft, "FEATURES", WIDE)
    fn_args: Any = types.SimpleNamespace(model_run_dir=str(tmp_path))
    random = np.random.default_rng(1).integers(2, size=(400, 1))
    model = fit_trees(SMALL, rows(), rows(random), TRANSFORM, TrainerConfig(train_steps=7), fn_args)
    history = json.loads((tmp_path / HISTORY_FILE).read_text())
    assert {name: len(losses) for name, losses in history.items()} == {"loss": 7, "val_loss": 7}
    assert history["loss"] == sorted(history["loss"], reverse=True)
    # The label of the held-out rows is chance here: the first round does least harm, and is all that is kept.
    assert min(history["val_loss"]) == history["val_loss"][0]
    given = model.predict(rows().features, verbose=0)[:, 0].astype(np.float64)
    assert log_loss(random, given) == pytest.approx(history["val_loss"][0], rel=1e-6)


def test_rows_of_one_class_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ft, "FEATURES", WIDE)
    ones = np.ones((400, 1), np.int64)
    with pytest.raises(TrainingError, match="label big_tip is 1 in every one of 400 training rows"):
        fit_trees(SMALL, rows(ones), rows(), TRANSFORM, TrainerConfig(), None)
