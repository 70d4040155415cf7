"""Define the hyperparameters of the taxi model and their bounds; their values are in hyperparameters.toml."""

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The hyperparameters. hyperparameters.toml explains each; trainer.py has the architectures.

    Raises:
        ValueError: A value is out of bounds.
    """

    architecture: str
    batch_size: int
    epochs: int
    patience: int
    holdout: int
    learning_rate: float
    l2: float
    embedding_dim: int
    hidden_layers: int
    hidden_units: int
    cross_layers: int
    dropout: float
    trees: int
    tree_leaves: int
    leaf_rows: int
    tree_learning_rate: float
    leaf_l2: float
    seed: int

    def __post_init__(self) -> None:
        for name in ("batch_size", "epochs", "embedding_dim", "hidden_layers", "hidden_units", "cross_layers"):
            self._require(name, "1 or more", lambda value: value >= 1)
        for name in ("trees", "leaf_rows"):
            self._require(name, "1 or more", lambda value: value >= 1)
        self._require("tree_leaves", "2 or more", lambda value: value >= 2)
        self._require("tree_learning_rate", "more than 0", lambda value: value > 0)
        self._require("leaf_l2", "0 or more", lambda value: value >= 0)
        self._require("patience", "0 or more", lambda value: value >= 0)
        self._require("holdout", "2 or more", lambda value: value >= 2)
        self._require("learning_rate", "more than 0", lambda value: value > 0)
        self._require("l2", "0 or more", lambda value: value >= 0)
        self._require("dropout", "at least 0 and less than 1", lambda value: 0 <= value < 1)
        self._require("seed", "0 or more", lambda value: value >= 0)

    def _require(self, name: str, expected: str, holds: Callable[..., bool]) -> None:
        value = getattr(self, name)
        if not holds(value):
            raise ValueError(f"hyperparameter {name}: expected {expected}, received {value!r}")
