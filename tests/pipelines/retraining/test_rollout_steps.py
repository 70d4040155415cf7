"""From the push to the promotion or back: comparisons, and what a person does meanwhile."""

from collections.abc import Sequence

import pytest

from pipelines.retraining.journal import JournalStore, Step
from serving.rollout.models_config import Assignment, ModelsConfig
from tests.pipelines.retraining.scripted import (
    MINUTE,
    NEW,
    OLD,
    START,
    TRIAL_OVER,
    World,
    assert_old_version_answers,
    with_policy,
)

DIFFERS = "differs: mean difference 0.45, at most 0.05"


@pytest.mark.parametrize("verdict", [DIFFERS, "is worse: as older logs say"])
def test_a_version_that_differs_is_rolled_back_at_once(world: World, verdict: str) -> None:
    world._compare = lambda arguments: world.find(verdict)  # type: ignore[method-assign]  # no server
    assert world.take_pass(START) == 1
    assert world.lines("calls")[-2:] == ["compare", "rollback"]
    assert world.outcomes() == [("rolled back", NEW)]
    assert "version 100 still answers" in world.lines("told")[0]
    assert_old_version_answers(world)


def test_a_version_that_differs_during_the_trial_is_rolled_back_at_its_end(world: World) -> None:
    assert world.take_pass(START) == 0
    world._compare = lambda arguments: world.find(DIFFERS)  # type: ignore[method-assign]  # no server
    assert world.take_pass(TRIAL_OVER) == 1
    assert world.lines("calls")[-2:] == ["compare", "rollback"]
    assert world.outcomes() == [("rolled back", NEW)]
    assert_old_version_answers(world)


def test_a_comparison_that_fails_at_the_end_of_the_trial_leaves_no_trial_behind(world: World) -> None:
    assert world.take_pass(START) == 0
    world.status["compare"] = 2
    for minutes in (0, 15, 45):
        assert world.take_pass(TRIAL_OVER + minutes * MINUTE) == 1
    assert world.outcomes() == [("failed", NEW)]
    assert_old_version_answers(world)


@pytest.mark.parametrize("reason", ["rows 3, at least 100", "/log holds no request that can be replayed"])
def test_too_few_requests_say_nothing_so_the_trial_goes_on_until_there_are_more(world: World, reason: str) -> None:
    world._compare = lambda arguments: world.find(f"cannot be judged: {reason}")  # type: ignore[method-assign]  # no server
    assert world.take_pass(START) == 0
    assert f"unknown    canary 101 cannot be judged: {reason}; the trial goes on" in world.lines("said")
    assert world.take_pass(START + 59 * MINUTE) == 0
    assert world.lines("calls").count("compare") == 1
    for hours in range(1, 5):  # More often than a step that fails.
        assert world.take_pass(START + 60 * hours * MINUTE) == 0
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}
    world._compare = lambda arguments: None  # type: ignore[method-assign]  # no server
    assert world.take_pass(START + 300 * MINUTE) == 0
    assert world.take_pass(START + 360 * MINUTE) == 0
    assert world.outcomes() == [("promoted", NEW)]


def test_an_older_comparison_is_no_verdict_of_one_that_died(world: World) -> None:
    world.find(DIFFERS)  # by a person, a while ago
    world.status["compare"] = 1
    assert world.take_pass(START) == 1
    journal = JournalStore(world.options.folder).read()
    assert journal is not None
    assert (journal.step, journal.attempts) == (Step.COMPARE, 1)


def test_a_comparison_that_cannot_be_made_ends_the_trial_after_the_last_attempt(world: World) -> None:
    world.status["compare"] = 2
    for minutes in (0, 15, 45):
        assert world.take_pass(START + minutes * MINUTE) == 1
    assert world.lines("calls")[-2:] == ["compare", "rollback"]
    assert world.outcomes() == [("failed", NEW)]
    assert_old_version_answers(world)


def test_a_rollback_that_fails_is_tried_until_it_succeeds(world: World) -> None:
    world.status = {"compare": 2, "rollback": 1}
    for minutes in (0, 15, 45, 60, 90, 150, 300):
        assert world.take_pass(START + minutes * MINUTE) == 1
    assert world.lines("told") == [
        "taxi: roll back failed 3 times, and is still retried: `rollout rollback` ended with 1",
    ]
    del world.status["rollback"]
    assert world.take_pass(START + 600 * MINUTE) == 1
    assert world.outcomes() == [("failed", NEW)]
    assert_old_version_answers(world)


@pytest.mark.parametrize(("person", "outcome"), [("promote", ("promoted", NEW)), ("rollback", ("rolled back", NEW))])
def test_ask_stops_before_the_promotion_looks_meanwhile_and_notices_what_a_person_did(
    world: World, person: str, outcome: tuple[str, str]
) -> None:
    with_policy(world, policy="ask")
    world.take_pass(START)
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.lines("said")[-1] == "waits      version 101 waits for a person: `make promote` or `make rollback`"
    assert len(world.lines("told")) == 1
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}
    before = len(world.lines("calls"))
    assert world.take_pass(TRIAL_OVER + 60 * MINUTE) == 0
    assert world.lines("calls")[before:] == ["ingest", "monitor", "production-metrics"]
    world.run("serving", "rollout", person)
    assert world.take_pass(TRIAL_OVER + 61 * MINUTE) == (0 if person == "promote" else 1)
    assert world.outcomes() == [outcome]


def test_only_auto_promotes_also_where_the_policy_changed_during_the_trial(world: World) -> None:
    world.take_pass(START)
    with_policy(world, policy="report")
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}
    assert "version 101 waits for a person" in world.lines("said")[-1]


def test_a_promotion_that_failed_is_not_tried_again_where_the_policy_changed_since(world: World) -> None:
    world.take_pass(START)
    world.status["promote"] = 1
    assert world.take_pass(TRIAL_OVER) == 1
    del world.status["promote"]
    with_policy(world, policy="ask")
    assert world.take_pass(TRIAL_OVER + 15 * MINUTE) == 0
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}
    assert len(world.lines("told")) == 1


def test_a_promotion_by_a_person_that_runs_now_is_waited_for_and_not_undone(world: World) -> None:
    world.take_pass(START)
    started = world.begin("promote")
    world.status["rollback"] = 2  # the real one finds the lock held
    assert world.take_pass(TRIAL_OVER) == 2
    assert world.lines("said")[-1] == "waits      `rollout promote` runs, or cannot be repaired (above)"
    config = ModelsConfig.read(world.options.models_config)
    config.assigning("taxi", Assignment.only(int(NEW))).write()
    world.end(started)
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.outcomes() == [("promoted", NEW)]
    assert world.lines("calls").count("rollback") == 1


def test_a_step_that_ends_while_it_is_looked_at_is_found_as_it_ended(world: World) -> None:
    world.take_pass(START)
    started = world.begin("promote")

    def rollback(arguments: Sequence[str]) -> int:
        assert arguments[-2:] == ("rollback", "--only-unfinished")
        ModelsConfig.read(world.options.models_config).assigning("taxi", Assignment.only(int(NEW))).write()
        world.end(started)
        return 2

    world._rollback = rollback  # type: ignore[method-assign]  # no server
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.outcomes() == [("promoted", NEW)]


def test_who_could_not_be_told_of_a_version_that_waits_is_told_again(world: World) -> None:
    with_policy(world, policy="ask")
    world.take_pass(START)
    world.tell = lambda program, text: "mail ended with 1"  # type: ignore[method-assign]  # no server
    assert world.take_pass(TRIAL_OVER) == 1
    del world.tell
    assert world.take_pass(TRIAL_OVER + MINUTE) == 0
    assert world.take_pass(TRIAL_OVER + 2 * MINUTE) == 0
    assert len(world.lines("told")) == 1


def test_a_person_who_acts_before_being_told_is_not_told_to(world: World) -> None:
    with_policy(world, policy="ask")
    world.take_pass(START)
    world.run("serving", "rollout", "promote")
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.lines("told") == ["taxi: promoted: version 101 was promoted outside the loop"]
