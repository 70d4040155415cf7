"""The graph answers what scikit-learn answers: for numbers, categories, what is missing and what was never seen."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from pipelines.modeling.boosted_trees import TreesError, trees_output

pytestmark = pytest.mark.slow

ROWS, CATEGORIES = 600, [1, 3]  # columns 1 and 3 are categories, between numbers


def rows(seed: int, *, unseen: bool = False) -> np.ndarray:
    """Four columns, a tenth of each missing; with `unseen`, ids that no training row has."""
    random = np.random.default_rng(seed)
    found = random.normal(size=(ROWS, 4))
    found[:, 1] = random.integers(60, size=ROWS) * 4  # up to 236
    found[:, 3] = random.integers(3, size=ROWS)
    found[random.random(found.shape) < 0.1] = np.nan
    if unseen:
        found[::5, 1], found[::7, 3], found[::11, 1], found[::13, 3] = 1, 255, -1, 1000
    return found


def target() -> np.ndarray:
    given = np.nan_to_num(rows(1))
    return given[:, 0] * (given[:, 3] - 1) + np.sin(given[:, 1]) + given[:, 2]


def as_model(trees: object, rounds: int | None = None) -> keras.Model:
    given = keras.Input((4,), dtype="float64")
    return keras.Model(given, trees_output(trees, given, rounds=rounds))


def fitted(kind: type, labels: np.ndarray, **options: object) -> object:
    return kind(max_iter=6, max_leaf_nodes=12, **{"categorical_features": CATEGORIES, **options}).fit(rows(1), labels)


@pytest.mark.parametrize("categories", [CATEGORIES, None])
def test_a_regression(categories: list[int] | None) -> None:
    trees = fitted(HistGradientBoostingRegressor, target(), categorical_features=categories)
    given = np.concatenate([rows(1), rows(2, unseen=True)])
    np.testing.assert_allclose(as_model(trees)(given)[:, 0], trees.predict(given), rtol=1e-12, atol=1e-12)


def test_two_classes_and_fewer_rounds() -> None:
    trees = fitted(HistGradientBoostingClassifier, (target() > 0).astype(int))
    given = rows(2, unseen=True)
    for rounds, expected in enumerate(trees.staged_predict_proba(given), start=1):
        if rounds in (1, 6):
            logit = as_model(trees, rounds)(given)[:, 0]
            np.testing.assert_allclose(keras.ops.sigmoid(logit), expected[:, 1], rtol=1e-12)


def test_three_classes_and_a_file_that_needs_no_scikit_learn(tmp_path: Path) -> None:
    trees = fitted(HistGradientBoostingClassifier, np.digitize(target(), [-0.5, 0.5]))
    given = rows(2, unseen=True)
    model = as_model(trees)
    np.testing.assert_allclose(keras.ops.softmax(model(given)), trees.predict_proba(given), rtol=1e-12)
    model.save(tmp_path / "trees.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "trees.keras")(given), model(given))
    assert model.trainable_weights == []


def test_a_number_on_a_threshold_goes_left() -> None:
    trees = fitted(HistGradientBoostingRegressor, target(), categorical_features=None)
    thresholds = [node["num_threshold"] for of in trees._predictors for node in of[0].nodes if not node["is_leaf"]]
    given = np.repeat(np.array(thresholds)[:, np.newaxis], 4, axis=1)
    for moved in (given, np.nextafter(given, np.inf)):
        np.testing.assert_allclose(as_model(trees)(moved)[:, 0], trees.predict(moved), rtol=1e-12, atol=1e-12)


def test_refuses_other_columns_and_other_links() -> None:
    trees = fitted(HistGradientBoostingRegressor, target())
    with pytest.raises(TreesError, match="expected the 4 columns that they were fitted to, received 3"):
        trees_output(trees, keras.Input((3,)))
    counts = fitted(HistGradientBoostingRegressor, np.abs(target()), loss="poisson")
    with pytest.raises(TreesError, match="expected loss='log_loss' or 'squared_error', received 'poisson'"):
        as_model(counts)


def test_refuses_a_category_that_is_no_id() -> None:
    given = rows(1)
    given[:, 3] += 0.5
    trees = HistGradientBoostingRegressor(max_iter=2, categorical_features=CATEGORIES).fit(given, target())
    with pytest.raises(TreesError, match=r"expected ids, whole numbers from 0 to 255, received 0\.5 to 2\.5"):
        as_model(trees)
