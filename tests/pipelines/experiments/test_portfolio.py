"""Approaches that fail, and that take too long, beside one that does well."""

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from pipelines.experiments.command import Options
from pipelines.experiments.portfolio import Approach, try_architectures
from pipelines.experiments.tune import compare_finished
from tests.pipelines.search.quick import BROKEN, COMMITTED, ENDLESS, LINEAR, search_inputs

pytestmark = pytest.mark.slow

SEEDS, TRIALS = 2, 4


def attempted(architectures: tuple[str, ...], minutes: float) -> tuple[dict[str, Approach], str]:
    """Every approach by name, and what was told of them."""
    options = Options(
        task="quick", data=None, var=Path("/"), train_steps=None, trials=TRIALS, minutes=minutes, seeds=SEEDS
    )
    found = search_inputs()
    found = dataclasses.replace(found, tuning=dataclasses.replace(found.tuning, architectures=architectures))
    told = io.StringIO()
    approaches = try_architectures(options, found, COMMITTED, Console(file=told, width=200))
    return {approach.name: approach for approach in approaches}, told.getvalue()


@pytest.fixture(scope="module")
def tried() -> tuple[dict[str, Approach], str]:
    return attempted((BROKEN, LINEAR), minutes=10)


def test_what_does_well_has_trials_and_trainings(tried: tuple[dict[str, Approach], str]) -> None:
    linear = tried[0][LINEAR]
    assert linear.failure is None
    assert len(linear.trials) == TRIALS
    assert [training.failure for training in linear.trainings] == [None] * SEEDS
    losses = {trial.values["learning_rate"]: trial.loss for trial in linear.trials if trial.loss is not None}
    assert linear.hyperparameters.learning_rate == pytest.approx(min(losses, key=lambda rate: losses[rate]), rel=0.01)


def test_what_fails_says_why_and_stops_nothing(tried: tuple[dict[str, Approach], str]) -> None:
    approaches, told = tried
    assert list(approaches) == [BROKEN, LINEAR]
    assert str(approaches[BROKEN].failure).startswith(f"no trial of {TRIALS} finished: ValueError: a learning rate of ")
    assert [line.split()[0] for line in told.splitlines() if not line.startswith(" ")] == [BROKEN, LINEAR]
    assert f"s  no trial of {TRIALS} finished: ValueError" in told


def test_what_takes_too_long_is_given_up() -> None:
    approaches, told = attempted((ENDLESS,), minutes=0.03)
    why = "no trial of 1 finished: out of time: the 0.02 minutes were over before it had finished"
    assert str(approaches[ENDLESS].failure).startswith(why)
    assert why in told


def test_only_what_finished_is_compared(tried: tuple[dict[str, Approach], str]) -> None:
    compared = compare_finished(search_inputs(), {name: approach.trainings for name, approach in tried[0].items()})
    assert set(compared) == {LINEAR}
    assert compared[LINEAR]["auc"].chance_best == 1
