"""The comparison: its values against scikit-learn's, and chances and intervals where the truth is known."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from pipelines.evaluation.measures import measures_of
from pipelines.search.comparison import ComparisonError, compare
from pipelines.search.trainings import Training, held_out_fold
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

ROWS = 400
RANDOM = np.random.default_rng(4)
LABELS = {fold: RANDOM.integers(2, size=ROWS) for fold in range(5)}


def trainings(noises: list[float], seed: int = 0, numbers: range | None = None) -> list[Training]:
    """Predictions of the labels, the worse the more noise; one training for each."""
    made = []
    for number, noise in zip(numbers or range(len(noises)), noises, strict=True):
        random = np.random.default_rng([seed, number])
        logits = 2 * LABELS[held_out_fold(number)] - 1 + noise * random.normal(size=ROWS)
        made.append(Training(number=number, seconds=1.0, predictions=(1 / (1 + np.exp(-logits))).astype(np.float32)))
    return made


def test_the_expected_value_is_the_mean_over_the_trainings() -> None:
    made = trainings([1.0, 1.5, 2.0])
    found = compare(measures_of(BINARY), LABELS, {"a": made, "b": trainings([3.0] * 3)})["a"]
    pairs = [(LABELS[held_out_fold(training.number)], training.predictions) for training in made]
    assert found["auc"].expected.value == pytest.approx(np.mean([roc_auc_score(*pair) for pair in pairs]))
    assert found["binary_crossentropy"].expected.value == pytest.approx(
        np.mean([log_loss(*pair) for pair in pairs]), rel=1e-5
    )
    assert found["auc"].expected.low < found["auc"].expected.value < found["auc"].expected.high


def test_a_clear_winner_has_every_chance_and_a_change_beyond_noise() -> None:
    found = compare(
        measures_of(BINARY), LABELS, {"worse": trainings([2.0] * 4), "better": trainings([0.5] * 4)}, "worse"
    )
    for name, sign in (("auc", 1), ("binary_crossentropy", -1)):
        assert (found["better"][name].chance_best, found["worse"][name].chance_best) == (1.0, 0.0)
        change = found["better"][name].change
        assert change is not None
        assert sign * change.low > 0 < sign * change.high
        assert found["worse"][name].change is None


def test_equals_share_the_chance_and_differ_by_nothing() -> None:
    same = trainings([1.0] * 3)
    found = compare(measures_of(BINARY), LABELS, {"a": same, "b": same}, "a")
    assert (found["a"]["auc"].chance_best, found["b"]["auc"].chance_best) == (0.5, 0.5)
    change = found["b"]["auc"].change
    assert change is not None
    assert (change.value, change.low, change.high) == (0, 0, 0)


def test_what_only_luck_tells_apart_is_within_noise() -> None:
    found = compare(
        measures_of(BINARY), LABELS, {"a": trainings([2.0] * 4, seed=1), "b": trainings([2.0] * 4, seed=2)}, "a"
    )
    change = found["b"]["binary_crossentropy"].change
    assert change is not None
    assert change.low < 0 < change.high
    assert 0 < found["b"]["binary_crossentropy"].chance_best < 1


@pytest.mark.slow
def test_seeds_that_differ_widen_the_interval() -> None:
    steady, fickle = trainings([1.5] * 8), trainings([0.5, 2.5] * 4)
    found = compare(measures_of(BINARY), LABELS, {"steady": steady, "fickle": fickle})
    widths = {name: of["auc"].expected.high - of["auc"].expected.low for name, of in found.items()}
    assert widths["fickle"] > 1.5 * widths["steady"]


@pytest.mark.slow
def test_more_rivals_make_the_proof_harder() -> None:
    first, second = trainings([2.0] * 4, seed=1), trainings([1.8] * 4, seed=2)
    widths = []
    for rivals in (0, 9):
        others = {f"rival {n}": trainings([3.0] * 4, seed=10 + n) for n in range(rivals)}
        change = compare(measures_of(BINARY), LABELS, {"a": first, "b": second, **others}, "a")["b"]["auc"].change
        assert change is not None
        widths.append(change.high - change.low)
    assert widths[1] > 1.2 * widths[0]


def test_only_trainings_that_all_finished_count() -> None:
    long, short = trainings([1.0] * 4), trainings([1.0, 1.0, 9.0], seed=3)
    failed = [*short[:2], Training(number=2, seconds=1.0, failure="out of time")]
    both = compare(measures_of(BINARY), LABELS, {"long": long, "short": failed})
    two = compare(measures_of(BINARY), LABELS, {"long": long[:2], "short": short[:2]})
    assert both == two


def test_one_training_is_too_few() -> None:
    with pytest.raises(ComparisonError) as error:
        compare(measures_of(BINARY), LABELS, {"a": trainings([1.0] * 2), "b": trainings([1.0])})
    assert str(error.value) == (
        "too few trainings to compare: expected 2 or more that every candidate finished, received 1; allow more "
        "minutes or seeds"
    )


def test_other_problems_are_measured_by_their_own() -> None:
    random = np.random.default_rng(1)
    classes = {fold: random.integers(3, size=ROWS) for fold in range(5)}
    right = [
        Training(number=n, seconds=1.0, predictions=np.eye(3, dtype=np.float32)[classes[held_out_fold(n)]])
        for n in range(2)
    ]
    found = compare(measures_of(MULTICLASS), classes, {"right": right})["right"]
    assert found["sparse_categorical_accuracy"].expected.value == 1
    assert found["sparse_categorical_crossentropy"].expected.value == pytest.approx(0, abs=1e-5)
    amounts = {fold: random.normal(size=ROWS) for fold in range(5)}
    off_by_two = [
        Training(number=n, seconds=1.0, predictions=(amounts[held_out_fold(n)] + 2).astype(np.float32))
        for n in range(2)
    ]
    regression = compare(measures_of(REGRESSION), amounts, {"off": off_by_two})["off"]
    assert regression["mean_absolute_error"].expected.value == pytest.approx(2, rel=1e-5)
    assert regression["mean_squared_error"].expected.value == pytest.approx(4, rel=1e-5)
