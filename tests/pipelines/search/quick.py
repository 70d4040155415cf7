"""A real but tiny thing to tune: logistic regression on one number, with ways to fail and to be slow."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from pipelines.config import TrainerConfig
from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.search import SearchInputs
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.tuning import Tuning

LINEAR, BROKEN, ENDLESS = "linear", "broken", "endless"
HIGH = 0.5  # learning rates from here on fail


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    architecture: str
    learning_rate: float
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"hyperparameter batch_size: expected 1 or more, received {self.batch_size!r}")


COMMITTED = Hyperparameters(architecture=LINEAR, learning_rate=0.001, batch_size=100, seed=5)


def search_space(space: Any, committed: Hyperparameters) -> None:
    space.Float("learning_rate", 0.0001, 1.0, sampling="log", default=committed.learning_rate)


def train(
    hyperparameters: Hyperparameters,
    rows: TransformedRows,
    transform: Any,
    settings: TrainerConfig,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> keras.Model:
    """Trains on rows whose ids it leaves in `transform`, a list here."""
    transform.append((hyperparameters, rows.features["id"][:, 0].tolist()))
    if hyperparameters.architecture == BROKEN or hyperparameters.learning_rate >= HIGH:
        raise ValueError(f"a learning rate of {hyperparameters.learning_rate} is too high\nfor this model")
    keras.utils.set_random_seed(hyperparameters.seed)
    inputs = {"x": keras.Input((1,), name="x"), "id": keras.Input((1,), name="id")}
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs["x"]))
    # Eagerly: to trace a graph takes longer than these few steps.
    model.compile(keras.optimizers.SGD(hyperparameters.learning_rate), "binary_crossentropy", run_eagerly=True)
    epochs = 10**6 if hyperparameters.architecture == ENDLESS else settings.train_steps
    model.fit(
        rows.features,
        rows.labels,
        batch_size=hyperparameters.batch_size,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
    )
    return model


TUNING = Tuning(
    hyperparameters=Hyperparameters, search_space=search_space, train=train, architectures=(LINEAR, BROKEN, ENDLESS)
)


def search_inputs(rows: int = 100) -> SearchInputs:
    """Rows whose label hangs on x; what each training saw is left in `transform`."""
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 1)).astype(np.float32)
    labels = (x + random.normal(size=(rows, 1)) > 0).astype(np.int64)
    features = {"x": x, "id": np.arange(rows, dtype=np.float32)[:, None]}
    return SearchInputs(
        tuning=TUNING,
        problem=BINARY,
        rows=TransformedRows(features=features, labels=labels),
        transform=[],
        settings=TrainerConfig(train_steps=2),
    )
