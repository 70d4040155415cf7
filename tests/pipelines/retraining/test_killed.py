"""kill -9 once at each of the loop's steps, before it and after it; and what the next calls do.

After a step means: it did all its work, and the journal does not know yet.
"""

import pytest

from pipelines.retraining.journal import JournalStore, Step
from tests.pipelines.retraining.scripted import NEW, OLD, START, TRIAL_OVER, World

UNDISTURBED = ["ingest", "monitor", "production-metrics", "pin", "run", "canary", "compare", "compare", "promote"]
# Step -> what is called again after a kill behind the step; the others find their work done.
AGAIN = {
    Step.INGEST: "ingest",
    Step.MONITOR: "monitor",
    Step.MEASURE: "production-metrics",
    Step.COMPARE: "compare",
    Step.TRIAL: "compare",
}
LATE = (Step.TRIAL, Step.PROMOTE, Step.FINISH)  # steps of the second pass, when the trial is over
STEPS = [step for step in Step if step not in (Step.AWAIT, Step.ROLL_BACK)]


def assert_promoted_once(world: World) -> None:
    assert world.versions() == [OLD, NEW]
    assert world.labels() == {"stable": int(NEW), "canary": int(NEW)}
    assert world.acted() == [True]
    assert world.outcomes() == [("promoted", NEW)]
    assert JournalStore(world.options.folder).read() is None


def test_without_a_kill_two_passes_bring_one_version_into_production(world: World) -> None:
    assert world.take_pass(START) == 0
    assert world.lines("calls") == UNDISTURBED[:-2]
    assert world.lines("said")[-1] == "waits      until 2026-03-02 07:00 UTC, then trial"
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.lines("calls") == UNDISTURBED
    assert world.lines("told") == ["taxi: promoted: version 101 answers instead of 100"]
    assert_promoted_once(world)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_next_call_goes_on_there(world: World, step: Step, after: bool) -> None:
    if step in LATE:
        world.take_pass(START)
        world.take_killed_pass(TRIAL_OVER, step, after=after)
    else:
        world.take_killed_pass(START, step, after=after)
        journal = JournalStore(world.options.folder).read()
        assert journal is not None
        assert journal.step == step
        assert world.take_pass(START) == 0
    assert world.take_pass(TRIAL_OVER) == 0
    expected = list(UNDISTURBED)
    if after and step in AGAIN:
        expected.insert(expected.index(AGAIN[step]), AGAIN[step])
    assert world.lines("calls") == expected
    assert_promoted_once(world)


def test_a_trial_that_a_person_ended_before_the_next_call_is_not_begun_again(world: World) -> None:
    world.take_killed_pass(START, Step.CANARY, after=True)
    world.run("serving", "rollout", "rollback")
    assert world.take_pass(START) == 1
    assert world.lines("calls").count("canary") == 1
    assert world.labels() == {"stable": int(OLD), "canary": int(OLD)}
    assert world.outcomes() == [("rolled back", NEW)]


@pytest.mark.parametrize(
    ("command", "again"),
    [
        ("run", []),  # pushed, and left no record: the version that is new is this decision's
        ("pin", ["rollback", "pin"]),
        ("canary", ["rollback", "canary"]),
        ("promote", ["rollback", "promote"]),
    ],
)
def test_killed_within_a_command_its_work_is_mended_first(world: World, command: str, again: list[str]) -> None:
    late = command == "promote"
    if late:
        world.take_pass(START)
    world.die_during = command
    world.take_killed_pass(TRIAL_OVER if late else START, None)
    world.die_during = None
    if not late:
        assert world.take_pass(START) == 0
    assert world.take_pass(TRIAL_OVER) == 0
    place = UNDISTURBED.index(command)
    assert world.lines("calls") == [*UNDISTURBED[:place], *again, *UNDISTURBED[place + 1 :]]
    assert_promoted_once(world)
