"""Define what a search for better hyperparameters of the taxi model may try."""

import keras_tuner

from pipelines.task_definition.tuning import Tuning
from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.model import DEEP_AND_CROSS, LOGISTIC
from pipelines.tasks.taxi.trainer import ARCHITECTURES, train
from pipelines.tasks.taxi.trees import TREES


def search_space(space: keras_tuner.HyperParameters, committed: Hyperparameters) -> None:
    """Register the values to search for the committed architecture; the bounds are wide around values that work.

    The logarithmic ranges follow Bengio, "Practical Recommendations for Gradient-Based Training of Deep
    Architectures", 2012, arXiv:1206.5533, section 3.3.
    """
    if committed.architecture == TREES:
        space.Float("tree_learning_rate", 0.02, 0.3, sampling="log", default=committed.tree_learning_rate)
        space.Choice("trees", [50, 100, 200, 400], default=committed.trees)
        space.Choice("tree_leaves", [7, 15, 31, 63], default=committed.tree_leaves)
        space.Choice("leaf_rows", [10, 20, 40, 80], default=committed.leaf_rows)
        space.Choice("leaf_l2", [0.0, 0.1, 1.0, 10.0], default=committed.leaf_l2)
        return
    space.Float("learning_rate", 1e-3, 5e-2, sampling="log", default=committed.learning_rate)
    space.Float("l2", 1e-4, 1e-1, sampling="log", default=committed.l2)
    space.Choice("batch_size", [64, 128, 256, 512], default=committed.batch_size)
    space.Int("epochs", 4, 16, step=2, default=committed.epochs)
    if committed.architecture == LOGISTIC:
        return
    space.Choice("embedding_dim", [2, 4, 8, 16], default=committed.embedding_dim)
    space.Int("hidden_layers", 1, 3, default=committed.hidden_layers)
    space.Choice("hidden_units", [8, 16, 32, 64, 128], default=committed.hidden_units)
    # Not a Float with a step: KerasTuner counts the steps in floating point, and returns 0.3 for 0.2.
    space.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], default=committed.dropout)
    if committed.architecture == DEEP_AND_CROSS:
        space.Int("cross_layers", 1, 3, default=committed.cross_layers)


TUNING = Tuning(hyperparameters=Hyperparameters, search_space=search_space, train=train, architectures=ARCHITECTURES)
