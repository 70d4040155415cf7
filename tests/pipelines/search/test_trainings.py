"""Trainings that are compared: their seeds, their rows, and what becomes of those that fail."""

import dataclasses
import math

import numpy as np
import pytest

from pipelines.modeling.transformed_rows import TransformedRows
from pipelines.search.deadline import Deadline
from pipelines.search.search import FOLDS, SEARCH_FOLD
from pipelines.search.trainings import Candidate, finished_by_all, held_out_fold, round_values, train_candidates
from tests.pipelines.search.quick import BROKEN, COMMITTED, ENDLESS, search_inputs

pytestmark = pytest.mark.slow

NO_DEADLINE = Deadline(math.inf)


def candidate(name: str, **changes: object) -> Candidate:
    return Candidate(name=name, hyperparameters=dataclasses.replace(COMMITTED, **changes))


def test_every_training_has_its_own_seed_and_rows_the_same_for_all_candidates() -> None:
    found = search_inputs()
    trainings = train_candidates(found, [candidate("a"), candidate("b", learning_rate=0.1)], 5, NO_DEADLINE)
    seen = [(given.learning_rate, given.seed, ids) for given, ids in found.transform]
    for number in range(5):
        (rate_a, seed_a, ids_a), (rate_b, seed_b, ids_b) = seen[2 * number : 2 * number + 2]
        assert (rate_a, rate_b) == (0.001, 0.1)
        assert seed_a == seed_b == COMMITTED.seed + number
        assert ids_a == ids_b == [row for row in range(100) if row % FOLDS != held_out_fold(number)]
    assert [len(training.predictions) for training in trainings["a"] if training.predictions is not None] == [20] * 5
    assert {training.parameters for training in trainings["a"]} == {2}  # one weight, one bias
    assert all(training.seconds > 0 for training in trainings["b"])


def test_the_rows_of_the_search_are_never_held_out() -> None:
    folds = [held_out_fold(number) for number in range(2 * (FOLDS - 1))]
    assert set(folds) == set(range(FOLDS)) - {SEARCH_FOLD}
    assert folds[: FOLDS - 1] == folds[FOLDS - 1 :]


def test_a_training_that_fails_does_not_stop_the_rest() -> None:
    trainings = train_candidates(
        search_inputs(), [candidate("broken", architecture=BROKEN), candidate("sound")], 2, NO_DEADLINE
    )
    why = "ValueError: a learning rate of 0.001 is too high … for this model (tests/pipelines/search/quick.py"
    assert [str(training.failure).rpartition(", line ")[0] for training in trainings["broken"]] == [why] * 2
    assert [training.failure for training in trainings["sound"]] == [None, None]
    assert finished_by_all(trainings) == []
    assert finished_by_all({"sound": trainings["sound"]}) == [0, 1]


@pytest.mark.usefixtures("lost_interruption")
def test_a_training_that_fails_after_ctrl_c_is_no_failure_but_the_end() -> None:
    with pytest.raises(KeyboardInterrupt):
        train_candidates(
            search_inputs(), [candidate("broken", architecture=BROKEN), candidate("sound")], 2, NO_DEADLINE
        )


def test_a_prediction_that_is_no_number_is_a_failure() -> None:
    found = search_inputs()
    features = found.rows.features
    features["x"][::FOLDS] = math.nan  # those that the search holds out: the others train on them
    found = dataclasses.replace(found, rows=TransformedRows(features=features, labels=found.rows.labels))
    trainings = train_candidates(found, [candidate("a")], 1, NO_DEADLINE)
    assert trainings["a"][0].failure == "a prediction is not a number"


def test_what_does_not_finish_in_time_is_told_of() -> None:
    deadline = Deadline(0.02)
    found = search_inputs()
    trainings = train_candidates(found, [candidate("endless", architecture=ENDLESS), candidate("late")], 1, deadline)
    failures = {name: made[0].failure for name, made in trainings.items()}
    assert set(failures.values()) == {"out of time: the 0.02 minutes were over before it had finished"}
    assert [given.architecture for given, _ in found.transform] == [ENDLESS]  # the late one was not even begun


def test_proposed_values_have_three_digits() -> None:
    values = {"a": 0.0123456, "b": 123456, "c": "x", "d": 0.5}
    assert round_values(values) == {
        "a": 0.0123,
        "b": 123456,
        "c": "x",
        "d": 0.5,
    }


def test_hyperparameters_without_a_seed_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match=r"^hyperparameters have no field 'architecture', which .* asks for$"):
        Candidate(name="a", hyperparameters=np.float32(1))
