"""The search: where it begins, which rows it sees, and what becomes of trials that fail."""

import dataclasses
from pathlib import Path

import pytest

from pipelines.config import TunerConfig
from pipelines.search.search import FOLDS, SEARCH_FOLD, SearchError, Trial, best_trials, run_search
from tests.pipelines.search.quick import BROKEN, COMMITTED, ENDLESS, HIGH, search_inputs

pytestmark = pytest.mark.slow

BUDGET = TunerConfig(trials=8, minutes=5)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Trial], list[tuple[object, list[float]]]]:
    """One search, and what its trainings were given."""
    found = search_inputs()
    return run_search(found, COMMITTED, BUDGET, tmp_path_factory.mktemp("search")), found.transform


def test_the_first_trial_is_the_committed_values(searched: tuple[list[Trial], list]) -> None:
    assert searched[0][0].values == dataclasses.asdict(COMMITTED)
    assert searched[1][0][0] == COMMITTED


def test_only_what_is_in_the_space_changes(searched: tuple[list[Trial], list]) -> None:
    trials = searched[0]
    assert [trial.number for trial in trials] == list(range(1, BUDGET.trials + 1))
    assert len({trial.values["learning_rate"] for trial in trials}) == BUDGET.trials
    fixed = dataclasses.asdict(COMMITTED).keys() - {"learning_rate"}
    assert all(trial.values[name] == getattr(COMMITTED, name) for trial in trials for name in fixed)


def test_no_trial_learns_from_the_rows_that_it_is_scored_on(searched: tuple[list[Trial], list]) -> None:
    for _, ids in searched[1]:
        assert ids == [row for row in range(100) if row % FOLDS != SEARCH_FOLD]


def test_trials_that_fail_are_told_of_and_do_not_stop_the_rest(searched: tuple[list[Trial], list]) -> None:
    failed = [trial for trial in searched[0] if trial.failure is not None]
    assert failed, "the seed of the search draws no value that fails any more; choose another HIGH"
    assert {trial.number for trial in failed} == {
        trial.number for trial in searched[0] if trial.values["learning_rate"] >= HIGH
    }
    assert {str(trial.failure).rpartition(", line ")[0] for trial in failed} == {
        f"ValueError: a learning rate of {trial.values['learning_rate']} is too high … for this model "
        "(tests/pipelines/search/quick.py"
        for trial in failed
    }
    assert all(trial.loss is None for trial in failed)
    assert failed[0].number < BUDGET.trials


def test_the_best_have_the_lowest_losses(searched: tuple[list[Trial], list]) -> None:
    losses = sorted(trial.loss for trial in searched[0] if trial.loss is not None)
    assert [trial.loss for trial in best_trials(searched[0], 3)] == losses[:3]
    # 16 steps at 0.001 learn nothing.
    assert best_trials(searched[0], 1)[0].values["learning_rate"] > COMMITTED.learning_rate


def test_the_same_search_twice_finds_the_same_also_with_its_state_on_no_disk(
    searched: tuple[list[Trial], list], ram: str
) -> None:
    again = run_search(search_inputs(), COMMITTED, BUDGET, f"{ram}/search")
    assert [(trial.values, trial.loss) for trial in again] == [(trial.values, trial.loss) for trial in searched[0]]


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(
        SearchError, match=r"^no trial of 3 finished: ValueError: a learning .*\. Allow more minutes, or correct"
    ):
        run_search(
            search_inputs(), dataclasses.replace(COMMITTED, architecture=BROKEN), TunerConfig(trials=3), tmp_path
        )


def test_a_trial_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    endless = dataclasses.replace(COMMITTED, architecture=ENDLESS)
    with pytest.raises(SearchError, match=r"^no trial of 1 finished: out of time: the 0\.02 minutes were over before"):
        run_search(search_inputs(), endless, TunerConfig(trials=3, minutes=0.02), tmp_path)


@pytest.mark.usefixtures("lost_interruption")
def test_a_trial_that_fails_after_ctrl_c_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_search(
            search_inputs(), dataclasses.replace(COMMITTED, architecture=BROKEN), TunerConfig(trials=3), tmp_path
        )
