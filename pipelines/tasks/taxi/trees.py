"""Fit the taxi model as scikit-learn's boosted trees; architecture = "trees" in hyperparameters.toml selects them.

The trees are fitted to the transformed features, as the networks are. The exported model evaluates them in TensorFlow
(pipelines/modeling/boosted_trees.py), with the same signatures and gates, and the server needs no scikit-learn.

Numbers, and categories whose ids have an order, are used as numbers; other categories as sets of ids, which a tree
splits. A category with more ids than scikit-learn accepts is left out. Those are the crossed features, which trees do
not need.

Expected on the shipped trips, with the pipeline's split and the committed values: ROC AUC 0.953 and log loss 0.201,
compared with 0.958 and 0.188 of the wide-and-deep network.
"""

import math
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from pipelines.config import TrainerConfig
from pipelines.modeling.boosted_trees import MAX_CATEGORIES, trees_output
from pipelines.modeling.fitting import write_history
from pipelines.modeling.transformed_rows import TransformedRows, require_classes
from pipelines.tasks.taxi import features as ft
from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.kinds.kind import Category, Feature, Number, VocabularySize
from pipelines.tasks.taxi.model import make_inputs

if TYPE_CHECKING:  # Only a training of trees needs scikit-learn, and its import takes a second.
    from sklearn.ensemble import HistGradientBoostingClassifier

TREES = "trees"


def fit_trees(
    hyperparameters: Hyperparameters,
    fitted: TransformedRows,
    validation: TransformedRows,
    transform: tft.TFTransformOutput,
    settings: TrainerConfig,
    fn_args: FnArgs | None,
) -> keras.Model:
    """Fit the trees, keep the rounds up to the lowest validation loss, and write them as a Keras model.

    Args:
        hyperparameters: those of the trees are `trees` and the four after it.
        fitted: rows to learn from.
        validation: rows whose loss decides how many rounds are kept.
        transform: has the sizes of the vocabularies.
        settings: `train_steps` limits the rounds, if it is less than `trees`.
        fn_args: of the Trainer; None in a search, which writes no history.

    Returns:
        Maps a dict of transformed features to the probability of a big tip, float32 [batch, 1].

    Raises:
        TrainingError: The labels of the rows to learn from are all the same.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    require_classes(fitted, ft.LABEL, classes=2)  # scikit-learn would use a single class as the first.
    ordered, categories = _columns(transform.vocabulary_size_by_name)
    trees = HistGradientBoostingClassifier(
        learning_rate=hyperparameters.tree_learning_rate,
        max_iter=min(hyperparameters.trees, settings.train_steps or hyperparameters.trees),
        max_leaf_nodes=hyperparameters.tree_leaves,
        min_samples_leaf=hyperparameters.leaf_rows,
        l2_regularization=hyperparameters.leaf_l2,
        categorical_features=[_width(ordered) + place for place in range(_width(categories))],
        early_stopping=False,  # It would hold out other rows.
        random_state=hyperparameters.seed,
    ).fit(_table(fitted, ordered + categories), fitted.labels[:, 0])
    losses = _losses(trees, _table(validation, ordered + categories), validation.labels[:, 0])
    if fn_args is not None:
        fitted_losses = _losses(trees, _table(fitted, ordered + categories), fitted.labels[:, 0])
        write_history(fn_args, {"loss": fitted_losses, "val_loss": losses})
    return _as_keras(trees, ordered, categories, rounds=int(np.argmin(losses)) + 1)


def _columns(vocabulary_size: VocabularySize) -> tuple[list[Feature], list[Feature]]:
    """Return the features that are used as numbers, and those that are used as sets of ids."""
    ordered: list[Feature] = []
    sets: list[Feature] = []
    for feature in ft.FEATURES:
        if isinstance(feature, Number) or (isinstance(feature, Category) and feature.ordered):
            ordered.append(feature)
        elif isinstance(feature, Category) and feature.count_ids(vocabulary_size) <= MAX_CATEGORIES:
            sets.append(feature)
    return ordered, sets


def _width(features: list[Feature]) -> int:
    """Return the number of columns that the features take."""
    return sum(math.prod(feature.shape) for feature in features)


def _table(rows: TransformedRows, features: list[Feature]) -> np.ndarray:
    """Return the features as one array, float64 [rows, columns], which is scikit-learn's own type."""
    columns = rows.features
    return np.concatenate([columns[feature.name].astype(np.float64) for feature in features], axis=1)


def _losses(trees: "HistGradientBoostingClassifier", columns: np.ndarray, labels: np.ndarray) -> list[float]:
    """Return the log loss after each round."""
    from sklearn.metrics import log_loss

    return [float(log_loss(labels, given, labels=[0, 1])) for given in trees.staged_predict_proba(columns)]


def _as_keras(
    trees: "HistGradientBoostingClassifier", ordered: list[Feature], categories: list[Feature], rounds: int
) -> keras.Model:
    inputs = make_inputs()
    columns = [keras.ops.cast(inputs[feature.name], "float64") for feature in [*ordered, *categories]]
    logit = trees_output(trees, keras.ops.concatenate(columns, axis=1), rounds=rounds)
    # For trees NaN is a missing value. Here it has no default, and must reach the prediction.
    numbers = [inputs[feature.name] for feature in ft.FEATURES if isinstance(feature, Number)]
    broken = keras.ops.any(keras.ops.isnan(keras.ops.concatenate(numbers, axis=1)), axis=1, keepdims=True)
    logit = keras.ops.where(broken, keras.ops.full_like(logit, float("nan")), logit)
    return keras.Model(inputs, keras.layers.Activation("sigmoid", dtype="float32", name="probability")(logit))
