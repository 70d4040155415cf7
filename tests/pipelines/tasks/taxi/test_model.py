"""The taxi model: what it takes and gives, that it is the same twice, and that its file needs no project code."""

import dataclasses
import functools
import subprocess
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipelines.config import TrainerConfig
from pipelines.modeling.export import in_float32
from pipelines.modeling.fitting import start_warm
from pipelines.modeling.transformed_rows import TrainingError, TransformedRows
from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.kinds.kind import Category, Number
from pipelines.tasks.taxi.model import DEEP_AND_CROSS, LOGISTIC, NETWORKS, WIDE_AND_DEEP, build_model, compile_model
from pipelines.tasks.taxi.trainer import ARCHITECTURES, OTHER_MODELS, train
from tests.pipelines.tasks.taxi.committed import COMMITTED
from tests.pipelines.tasks.taxi.made_rows import made_rows, vocabulary_size

pytestmark = pytest.mark.slow

ROWS = 200
NUMBER = next(feature.name for feature in ft.FEATURES if isinstance(feature, Number))
CATEGORIES = [feature for feature in ft.FEATURES if isinstance(feature, Category)]
SETTINGS = TrainerConfig(train_steps=20)


def rows() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Features of every range, and a label that hangs on the first category."""
    features = made_rows(ROWS)
    first = features[CATEGORIES[0].name][:, :1]
    return features, (first < CATEGORIES[0].count_ids(vocabulary_size) / 3).astype(np.int64)


@functools.cache  # tests read it; one that must train anew calls trained.__wrapped__
def trained(architecture: str, seed: int = 1) -> keras.Model:
    """A model after eight steps."""
    keras.utils.set_random_seed(seed)
    hyperparameters = dataclasses.replace(
        COMMITTED, architecture=architecture, batch_size=64, learning_rate=0.01, embedding_dim=2, hidden_layers=2
    )
    features, labels = rows()
    if architecture in OTHER_MODELS:
        made = TransformedRows(features=features, labels=labels)
        transform = types.SimpleNamespace(vocabulary_size_by_name=vocabulary_size)
        return train(dataclasses.replace(hyperparameters, leaf_rows=5), made, transform, SETTINGS)  # type: ignore[arg-type]
    model = build_model(hyperparameters, vocabulary_size)
    compile_model(model, hyperparameters, steps=8)
    model.run_eagerly = True  # to trace a graph takes longer than eight steps; every real run traces it
    model.fit(features, labels, batch_size=64, epochs=2, verbose=0)
    model.run_eagerly = False
    return model


@pytest.fixture(scope="module", params=ARCHITECTURES)
def model(request: pytest.FixtureRequest) -> keras.Model:
    """One trained model of each architecture for all tests that only read it."""
    return trained(request.param)


@pytest.fixture(scope="module")
def wide_and_deep() -> keras.Model:
    return trained(WIDE_AND_DEEP)


def test_takes_every_feature_by_name_and_type(model: keras.Model) -> None:
    taken = {tensor.name: (tensor.shape, tensor.dtype) for tensor in model.inputs}
    assert taken == {feature.name: ((None, *feature.shape), feature.dtype) for feature in ft.FEATURES}


def test_the_logit_is_no_chain_of_additions(model: keras.Model) -> None:
    """With `wide + linear` SkewGate found 3,782 differences in the 4,993 eval rows of the logistic model."""
    logit = model.get_layer("probability").input
    assert type(logit._keras_history.operation).__name__ in ("Sum", "Dense", "Where")


def test_gives_one_probability_a_row(model: keras.Model) -> None:
    probabilities = model.predict(rows()[0], verbose=0)
    assert probabilities.shape == (ROWS, 1)
    assert probabilities.dtype == np.float32
    assert 0 < probabilities.min() < probabilities.max() < 1


def test_every_category_has_weights_of_its_own(wide_and_deep: keras.Model) -> None:
    total = sum(feature.count_ids(vocabulary_size) for feature in CATEGORIES)
    assert wide_and_deep.get_layer("wide").embeddings.shape == (total, 1)
    assert wide_and_deep.get_layer("embeddings").embeddings.shape == (total, 2)


def weights(model: keras.Model) -> set[str]:
    return {weight.path for weight in model.trainable_weights}


def test_the_architectures_have_the_parts_that_they_are_named_after() -> None:
    deep = {f"hidden_{layer}/{part}" for layer in (1, 2) for part in ("kernel", "bias")} | {"embeddings/embeddings"}
    assert weights(trained(LOGISTIC)) == {"wide/embeddings", "linear/kernel", "linear/bias"}
    assert weights(trained(WIDE_AND_DEEP)) == deep | {"wide/embeddings", "deep/kernel", "deep/bias"}
    cross = {f"cross_{layer}/{part}" for layer in (1, 2) for part in ("kernel", "bias")}
    assert COMMITTED.cross_layers == 2
    assert weights(trained(DEEP_AND_CROSS)) == deep | cross | {"cross_and_deep/kernel", "cross_and_deep/bias"}


def test_logistic_regression_is_linear_in_the_numbers() -> None:
    model, features = trained(LOGISTIC), rows()[0]
    logits = []
    for step in range(3):
        features[NUMBER] = np.full(features[NUMBER].shape, step, np.float32)
        logits.append(np.log(1 / (1 / model.predict(features, verbose=0).astype(np.float64) - 1)))
    np.testing.assert_allclose(logits[2] - logits[1], logits[1] - logits[0], rtol=1e-3)
    assert np.abs(logits[1] - logits[0]).min() > 0


def test_a_cross_layer_is_the_one_of_the_paper() -> None:
    model = trained(DEEP_AND_CROSS)
    first, once = (keras.Model(model.inputs, tensor) for tensor in cross_layer(model))
    given = first.predict(rows()[0], verbose=0).astype(np.float64)
    layer = model.get_layer("cross_1")
    expected = given * (given @ np.asarray(layer.kernel, np.float64) + np.asarray(layer.bias)) + given
    np.testing.assert_allclose(once.predict(rows()[0], verbose=0), expected, rtol=1e-4, atol=1e-6)


def cross_layer(model: keras.Model) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """What goes into the first cross layer and what comes out: what goes into the second."""
    return model.get_layer("cross_1").input, model.get_layer("cross_2").input


def test_two_trainings_give_the_same_weights(wide_and_deep: keras.Model) -> None:
    for ours, theirs in zip(wide_and_deep.get_weights(), trained.__wrapped__(WIDE_AND_DEEP).get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_another_seed_gives_other_weights(wide_and_deep: keras.Model) -> None:
    other = trained(WIDE_AND_DEEP, seed=2)
    assert not np.array_equal(wide_and_deep.get_layer("deep").kernel, other.get_layer("deep").kernel)


def test_learns_what_the_label_hangs_on(model: keras.Model) -> None:
    features, labels = rows()
    probabilities = model.predict(features, verbose=0)
    assert probabilities[labels == 1].mean() > probabilities[labels == 0].mean()


def test_nan_gives_nan_and_only_in_its_row(model: keras.Model) -> None:
    features = rows()[0]
    features[NUMBER][5] = np.nan
    assert np.flatnonzero(np.isnan(model.predict(features, verbose=0))).tolist() == [5]


@pytest.mark.parametrize("architecture", NETWORKS)
def test_mixed_precision_trains_and_is_exported_in_float32(architecture: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = trained.__wrapped__(architecture)
    finally:
        keras.config.set_dtype_policy(before)
    plain = in_float32(mixed)
    assert plain is not mixed
    assert {layer.compute_dtype for layer in plain.layers if layer.weights} == {"float32"}
    features = rows()[0]
    np.testing.assert_allclose(plain.predict(features, verbose=0), mixed.predict(features, verbose=0), atol=0.02)


def test_a_warm_start_takes_every_weight(model: keras.Model, tmp_path: Path) -> None:
    served = tf.Module()
    served.weights_by_path = {weight.path: weight.value for weight in model.weights}
    tf.saved_model.save(served, str(tmp_path))
    fresh = keras.models.clone_model(model)
    assert start_warm(fresh, str(tmp_path)) == len(fresh.weights) > 0
    features = rows()[0]
    np.testing.assert_array_equal(fresh.predict(features, verbose=0), model.predict(features, verbose=0))


@pytest.mark.pipeline
def test_files_load_without_the_project(tmp_path: Path) -> None:
    features = rows()[0]
    np.savez(tmp_path / "rows.npz", **features)
    for architecture in ARCHITECTURES:
        trained(architecture).save(tmp_path / f"{architecture}.keras")
        np.save(tmp_path / f"{architecture}.npy", trained(architecture).predict(features, verbose=0))
    program = (
        "import keras, numpy as np, sys\n"
        "for name in sys.argv[1:]:\n"
        "    model = keras.models.load_model(f'{name}.keras')\n"
        "    given = model.predict(dict(np.load('rows.npz')), verbose=0)\n"
        "    np.testing.assert_array_equal(given, np.load(f'{name}.npy'), name)\n"
        "assert 'pipelines' not in sys.modules\n"
    )
    command = [sys.executable, "-c", program, *ARCHITECTURES]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_trips_whose_label_is_all_one_class_are_not_trained_on() -> None:
    features, labels = rows()
    one_class = TransformedRows(features=features, labels=np.zeros_like(labels))
    with pytest.raises(TrainingError, match=r"is 0 in every one of 200 training rows: expected both 0 and 1"):
        train(COMMITTED, one_class, None, TrainerConfig(train_steps=1))  # type: ignore[arg-type]
