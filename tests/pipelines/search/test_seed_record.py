"""Trainings with several seeds, as a run keeps them, and how two runs compare by them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipelines.search.comparison import ComparisonError
from pipelines.search.seed_record import SeedTrainings, compare_seeds, read_seeds, score_seeds, write_seeds
from pipelines.search.trainings import Training, held_out_fold
from pipelines.task_definition.problem import REGRESSION

SEEDS = 4


def make_trainings(error: float) -> SeedTrainings:
    """Makes trainings that are off by so much, and a little more or less by the seed."""
    generator = np.random.default_rng(3)
    labels = {held_out_fold(number): generator.normal(size=200) for number in range(SEEDS)}
    trainings = [
        Training(number=number, seconds=1.0, predictions=labels[held_out_fold(number)] + error + 0.01 * number)
        for number in range(SEEDS)
    ]
    return SeedTrainings(problem=REGRESSION, labels=labels, trainings=trainings)


def test_two_runs_are_compared_training_by_training() -> None:
    change = compare_seeds(make_trainings(1.0), make_trainings(0.5))["mean_absolute_error"].change
    assert change is not None
    assert (change.value, change.low, change.high) == pytest.approx((-0.5, -0.5, -0.5))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert read_seeds(tmp_path) is None
    written = make_trainings(1.0)
    failed = Training(number=SEEDS, seconds=2.0, failure="out of memory")
    write_seeds(tmp_path, dataclasses.replace(written, trainings=[*written.trainings, failed]))
    found = read_seeds(tmp_path)
    assert found is not None
    assert found.trainings[-1] == failed
    expected = score_seeds(written)["mean_absolute_error"].expected
    assert score_seeds(found)["mean_absolute_error"].expected == expected
    assert expected.value == pytest.approx(1.015)


def test_trainings_on_other_rows_are_not_compared() -> None:
    before, after = make_trainings(1.0), make_trainings(0.5)
    others = {fold: labels[::-1] for fold, labels in after.labels.items()}
    with pytest.raises(ComparisonError, match="other rows"):
        compare_seeds(before, dataclasses.replace(after, labels=others))
