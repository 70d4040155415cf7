"""The taxi model: what it takes and gives, that it is the same twice, and that its file needs no project code."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipelines.taxi import features as ft
from pipelines.taxi.model import Hyperparameters, build_model, compile_model

VOCABULARY = {"payment_type_id": 7, "company_id": 40}
ROWS = 200


def rows() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features of every range, and a label that hangs on the payment type."""
    random = np.random.default_rng(3)
    features: dict[str, np.ndarray] = {}
    for feature in ft.FEATURES:
        if isinstance(feature, ft.Scaled):
            features[feature.name] = random.normal(size=(ROWS, 1)).astype(np.float32)
        else:
            size = VOCABULARY[feature.name] + 1 if isinstance(feature, ft.Vocabulary) else feature.size
            features[feature.name] = random.integers(size, size=(ROWS, 1))
    return features, (features["payment_type_id"] < 2).astype(np.int64)


def trained(seed: int) -> keras.Model:
    """A model after six steps."""
    keras.utils.set_random_seed(seed)
    hyperparameters = Hyperparameters(batch_size=64)
    model = build_model(hyperparameters, VOCABULARY.__getitem__)
    compile_model(model, hyperparameters, steps=8)
    features, labels = rows()
    model.fit(features, labels, batch_size=64, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """One trained model for all tests that only read it."""
    return trained(seed=1)


def test_takes_every_feature_by_name_and_type(model: keras.Model) -> None:
    taken = {tensor.name: (tensor.shape, tensor.dtype) for tensor in model.inputs}
    assert taken == {
        feature.name: ((None, 1), "float32" if isinstance(feature, ft.Scaled) else "int64") for feature in ft.FEATURES
    }


def test_gives_one_probability_a_row(model: keras.Model) -> None:
    probabilities = model.predict(rows()[0], verbose=0)
    assert probabilities.shape == (ROWS, 1)
    assert probabilities.dtype == np.float32
    assert 0 < probabilities.min() < probabilities.max() < 1


def test_every_category_has_weights_of_its_own(model: keras.Model) -> None:
    sizes = [feature.size for feature in ft.FEATURES if not isinstance(feature, ft.Scaled | ft.Vocabulary)]
    total = sum(sizes) + sum(size + 1 for size in VOCABULARY.values())
    assert model.get_layer("wide").embeddings.shape == (total, 1)
    assert model.get_layer("embeddings").embeddings.shape == (total, Hyperparameters().embedding_dim)


def test_two_trainings_give_the_same_weights(model: keras.Model) -> None:
    for ours, theirs in zip(model.get_weights(), trained(seed=1).get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_seed_gives_other_weights(model: keras.Model) -> None:
    assert not np.array_equal(model.get_layer("deep").kernel, trained(seed=2).get_layer("deep").kernel)


def test_learns_what_the_label_hangs_on(model: keras.Model) -> None:
    features, labels = rows()
    probabilities = model.predict(features, verbose=0)
    assert probabilities[labels == 1].mean() > probabilities[labels == 0].mean()


def test_nan_gives_nan_and_only_in_its_row(model: keras.Model) -> None:
    features = rows()[0]
    features["fare_scaled"][5] = np.nan
    assert np.flatnonzero(np.isnan(model.predict(features, verbose=0))).tolist() == [5]


@pytest.mark.pipeline
def test_file_loads_without_the_project(model: keras.Model, tmp_path: Path) -> None:
    features = rows()[0]
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "rows.npz", **features)
    np.save(tmp_path / "expected.npy", model.predict(features, verbose=0))
    program = (
        "import keras, numpy as np, sys\n"
        "model = keras.models.load_model('model.keras')\n"
        "given = model.predict(dict(np.load('rows.npz')), verbose=0)\n"
        "assert 'pipelines' not in sys.modules\n"
        "np.testing.assert_array_equal(given, np.load('expected.npy'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch_size", 0, "hyperparameter batch_size: expected 1 or more, received 0"),
        ("epochs", 0, "hyperparameter epochs: expected 1 or more, received 0"),
        ("embedding_dim", 0, "hyperparameter embedding_dim: expected 1 or more, received 0"),
        ("patience", -1, "hyperparameter patience: expected 0 or more, received -1"),
        ("holdout", 1, "hyperparameter holdout: expected 2 or more, received 1"),
        ("learning_rate", 0.0, "hyperparameter learning_rate: expected more than 0, received 0.0"),
        ("l2", -0.1, "hyperparameter l2: expected 0 or more, received -0.1"),
        ("hidden_units", (16, 0), r"hyperparameter hidden_units: expected widths of 1 or more, received \(16, 0\)"),
        ("dropout", 1.0, "hyperparameter dropout: expected 0 up to, but not, 1, received 1.0"),
    ],
)
def test_refuses_a_value_that_cannot_be(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Hyperparameters(**{name: value})
