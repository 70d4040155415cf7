"""Ordinary models in one Keras model; each is a column of its predictions."""

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np

from benchmarks.skew_gate.preprocessing import CASES

NUMBERS = (
    "z_score",
    "z_score_of_log1p",
    "log1p_miles",
    "log1p_seconds",
    "sigmoid",
    "sin_hour",
    "z_score_of_log_epoch",
    "layer_normalisation",
)
CATEGORIES = {"buckets_of_log": 10, "buckets_fare": 10, "vocabulary": 41, "cross": 100}  # name -> kinds
_WIDTHS = {"layer_normalisation": 3}
_MEAN, _DEVIATION = 11.7, 11.0  # of a label in dollars

Tensor: TypeAlias = keras.KerasTensor
Model = Callable[[Tensor, list[Tensor]], Tensor]  # numbers [batch, n] and embeddings [batch, 8] each -> [batch, 1]


def build(seed: int = 1) -> keras.Model:
    """Build an untrained model: a dict of features [batch, n] -> float32 [batch, models], in the order of MODELS."""
    keras.utils.set_random_seed(seed)
    numbers = {name: keras.Input((_WIDTHS.get(name, 1),), name=name) for name in NUMBERS}
    ids = {name: keras.Input((1,), name=name, dtype="int64") for name in CATEGORIES}
    assert set(numbers) | set(ids) <= set(CASES)
    wide = keras.layers.concatenate(list(numbers.values()))
    embedded = [
        keras.layers.Flatten()(
            keras.layers.Embedding(kinds, 8, embeddings_initializer="normal", name=f"of_{name}")(ids[name])
        )
        for name, kinds in CATEGORIES.items()
    ]
    outputs = [keras.layers.Activation("linear", dtype="float32")(model(wide, embedded)) for model in MODELS.values()]
    return keras.Model(numbers | ids, keras.layers.concatenate(outputs, dtype="float32"))


def _dense(units: int, activation: str | None = None, **more: object) -> keras.layers.Dense:
    return keras.layers.Dense(units, activation=activation, bias_initializer="normal", **more)


def _logistic(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return _dense(1, "sigmoid", name="logistic")(numbers)


def _chain_of_additions(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    parts = [_dense(1)(part) for part in (numbers, *embedded)]
    return keras.layers.Activation("sigmoid")(parts[0] + parts[1] + parts[2] + parts[3] + parts[4])


def _wide_and_deep(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    deep = keras.layers.concatenate([numbers, *embedded])
    for units in (64, 32):
        deep = _dense(units, "relu")(deep)
    return keras.layers.Activation("sigmoid")(_dense(1)(deep) + _dense(1)(numbers))


def _deep(activation: str) -> Model:
    def model(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
        hidden = keras.layers.concatenate([numbers, *embedded])
        for _ in range(4):
            hidden = _dense(128, activation)(hidden)
        return _dense(1, "sigmoid")(hidden)

    return model


def _batch_normalisation(numbers: Tensor, _: list[Tensor]) -> Tensor:
    random = np.random.default_rng(3)
    hidden = numbers
    for units in (32, 16):
        hidden = _dense(units)(hidden)
        layer = keras.layers.BatchNormalization(name=f"normalisation_{units}")
        hidden = layer(hidden)
        layer.set_weights([random.uniform(0.05, 2, units).astype(np.float32) for _ in range(4)])
        hidden = keras.layers.Activation("relu")(hidden)
    return _dense(1, "sigmoid")(hidden)


def _layer_normalisation(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    hidden = keras.layers.LayerNormalization()(_dense(32)(keras.layers.concatenate([numbers, *embedded])))
    return _dense(1, "sigmoid")(keras.layers.Dropout(0.5)(hidden))


def _cross_layers(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    first = keras.layers.concatenate([numbers, *embedded])
    crossed = first
    for _ in range(3):
        crossed = first * _dense(first.shape[-1])(crossed) + crossed
    return _dense(1, "sigmoid")(crossed)


def _attention(_: Tensor, embedded: list[Tensor]) -> Tensor:
    tokens = keras.ops.stack(embedded, axis=1)
    return _dense(1, "sigmoid")(keras.layers.Flatten()(keras.layers.MultiHeadAttention(2, 8)(tokens, tokens)))


def _regression(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    hidden = _dense(32, "relu")(keras.layers.concatenate([numbers, *embedded]))
    return keras.layers.Rescaling(_DEVIATION, _MEAN)(_dense(1, name="deviations")(hidden) - 1.0)


def _poisson(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return keras.ops.exp(_dense(1)(numbers))


def _rare_event(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return keras.layers.Activation("sigmoid")(_dense(1)(numbers) - 12.0)


def _distance(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    code = _dense(4, "tanh")(numbers)
    return keras.ops.sqrt(keras.ops.sum(keras.ops.square(_dense(numbers.shape[-1])(code) - numbers), 1, keepdims=True))


def _softmax(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return _dense(5, "softmax")(_dense(16, "tanh")(numbers))[:, 2:3]


def _mixed_precision(numbers: Tensor, embedded: list[Tensor]) -> Tensor:
    """Build a model that trains in bfloat16 and is exported in float32."""
    hidden = keras.layers.concatenate([numbers, *embedded], dtype="mixed_bfloat16")
    return _dense(1, "sigmoid", dtype="float32")(_dense(64, "gelu", dtype="mixed_bfloat16")(hidden))


def _float64(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return _dense(1, "sigmoid", dtype="float64")(keras.ops.cast(numbers, "float64"))


def _constant(numbers: Tensor, _: list[Tensor]) -> Tensor:
    return keras.layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones", activation="sigmoid")(numbers)


MODELS: dict[str, Model] = {
    "logistic": _logistic,
    "a chain of additions": _chain_of_additions,
    "wide and deep": _wide_and_deep,
    "deep, relu": _deep("relu"),
    "deep, tanh": _deep("tanh"),
    "deep, gelu": _deep("gelu"),
    "deep, swish": _deep("swish"),
    "batch normalisation": _batch_normalisation,
    "layer normalisation and dropout": _layer_normalisation,
    "deep and cross": _cross_layers,
    "attention": _attention,
    "regression in dollars": _regression,
    "exponential, as Poisson's": _poisson,
    "a rare event": _rare_event,
    "distance of an autoencoder": _distance,
    "softmax": _softmax,
    "mixed precision": _mixed_precision,
    "float64": _float64,
    "a constant": _constant,
}


def _change(layer: str, weight: int, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[keras.Model], None]:
    def apply(model: keras.Model) -> None:
        weights = model.get_layer(layer).get_weights()
        weights[weight] = change(weights[weight])
        model.get_layer(layer).set_weights(weights)

    return apply


def _first(by: float) -> Callable[[np.ndarray], np.ndarray]:
    """Add to the first number of an array."""
    return lambda values: values + by * (np.arange(values.size) == 0).reshape(values.shape).astype(values.dtype)


# Planted between training and export: skew -> the model that shows it, and the change of the weights.
SKEWS: dict[str, tuple[str, Callable[[keras.Model], None]]] = {
    "a bias by 1e-4": ("logistic", _change("logistic", 1, _first(1e-4))),
    "a weight by 1e-3": ("logistic", _change("logistic", 0, _first(1e-3))),
    "two rows of an embedding swapped": (
        "attention",
        _change("of_vocabulary", 0, lambda table: table[[0, 1, 2, 4, 3, *range(5, len(table))]]),
    ),
    "a moving mean by 1e-3": ("batch normalisation", _change("normalisation_32", 2, _first(1e-3))),
    "a moving variance by 1e-3": ("batch normalisation", _change("normalisation_32", 3, _first(1e-3))),
    "a label's mean by 0.001 dollars": ("regression in dollars", _change("deviations", 1, _first(1e-3 / _DEVIATION))),
}
