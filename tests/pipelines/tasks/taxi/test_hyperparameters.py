"""What the taxi task's hyperparameters may be, and that the committed ones are among what a search tries."""

import dataclasses

import keras_tuner
import pytest

from pipelines.tasks.taxi.hyperparameters import Hyperparameters
from pipelines.tasks.taxi.model import DEEP_AND_CROSS, LOGISTIC, WIDE_AND_DEEP
from pipelines.tasks.taxi.trainer import ARCHITECTURES
from pipelines.tasks.taxi.trees import TREES
from pipelines.tasks.taxi.tuner import search_space
from tests.pipelines.tasks.taxi.committed import COMMITTED


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("batch_size", 0, "1 or more"),
        ("epochs", 0, "1 or more"),
        ("embedding_dim", 0, "1 or more"),
        ("hidden_layers", 0, "1 or more"),
        ("hidden_units", 0, "1 or more"),
        ("cross_layers", 0, "1 or more"),
        ("patience", -1, "0 or more"),
        ("holdout", 1, "2 or more"),
        ("learning_rate", 0.0, "more than 0"),
        ("l2", -0.1, "0 or more"),
        ("dropout", 1.0, "at least 0 and less than 1"),
        ("seed", -1, "0 or more"),
        ("trees", 0, "1 or more"),
        ("tree_leaves", 1, "2 or more"),
        ("leaf_rows", 0, "1 or more"),
        ("tree_learning_rate", 0.0, "more than 0"),
        ("leaf_l2", -0.1, "0 or more"),
    ],
)
def test_refuses_a_value_that_cannot_be(name: str, value: object, expected: str) -> None:
    with pytest.raises(ValueError, match=f"^hyperparameter {name}: expected {expected}, received {value!r}$"):
        dataclasses.replace(COMMITTED, **{name: value})


def test_the_dataclass_holds_no_values() -> None:
    assert all(field.default is dataclasses.MISSING for field in dataclasses.fields(Hyperparameters))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_search_begins_with_the_committed_values(architecture: str) -> None:
    space = keras_tuner.HyperParameters()
    search_space(space, dataclasses.replace(COMMITTED, architecture=architecture))
    assert space.values.items() <= dataclasses.asdict(COMMITTED).items()
    for parameter in space.space:
        # Where a value lies in its range, 0 to 1; KerasTuner cannot place one outside, and would take another.
        share = parameter.value_to_prob(space.values[parameter.name])
        assert 0 <= share <= 1
        assert parameter.prob_to_value(share) == pytest.approx(space.values[parameter.name])


def test_only_what_an_architecture_has_is_searched() -> None:
    searched = {}
    for architecture in ARCHITECTURES:
        space = keras_tuner.HyperParameters()
        search_space(space, dataclasses.replace(COMMITTED, architecture=architecture))
        searched[architecture] = set(space.values)
    assert searched[LOGISTIC] == {"learning_rate", "l2", "batch_size", "epochs"}
    assert searched[WIDE_AND_DEEP] - searched[LOGISTIC] == {"embedding_dim", "hidden_layers", "hidden_units", "dropout"}
    assert searched[DEEP_AND_CROSS] - searched[WIDE_AND_DEEP] == {"cross_layers"}
    assert searched[TREES] == {"trees", "tree_leaves", "leaf_rows", "tree_learning_rate", "leaf_l2"}
