"""What a pass does when something fails, a gate or a comparison refuses, or the policy stops it."""

import dataclasses
import datetime
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipelines.config import ConfigError
from pipelines.retraining import command, state
from pipelines.retraining.decision import HELD_BACK, NOT_DUE, Decision, Reason
from pipelines.retraining.decision_log import DecisionLog, DecisionLogError
from pipelines.retraining.journal import JournalError, JournalStore, Step
from serving.file_lock import exclusive
from serving.rollout.models_config import Assignment, ModelsConfig
from tests.pipelines.retraining.scripted import NEW, OLD, POLICY, START, TRIAL_OVER, World

WORSE = "is worse: mean difference 0.45, at most 0.05"
MINUTE = datetime.timedelta(minutes=1)


def with_policy(world: World, **changes: Any) -> None:
    world.policy = dataclasses.replace(POLICY, **changes)


def assert_old_version_answers(world: World) -> None:
    assert world.labels() == {"stable": int(OLD), "canary": int(OLD)}
    assert JournalStore(world.options.folder).read() is None


def test_a_failed_training_is_tried_again_later_then_reported_and_nothing_is_pushed(world: World) -> None:
    world.run_status = "failed"
    assert world.take_pass(START) == 1
    assert world.take_pass(START + 14 * MINUTE) == 0  # Too early: it says so.
    assert world.lines("said")[-1] == "waits      until 2026-03-02 06:15 UTC, then train"
    assert world.take_pass(START + 15 * MINUTE) == 1
    assert world.take_pass(START + 44 * MINUTE) == 0  # Twice as long after the second.
    assert world.take_pass(START + 45 * MINUTE) == 1
    assert world.lines("calls").count("run") == 3
    assert world.versions() == [OLD]
    assert world.outcomes() == [("failed", None)]
    assert world.lines("told") == [
        "taxi: failed: train failed 3 times: the training ended with 0: no room; what answers is as it was"
    ]
    assert_old_version_answers(world)


def test_a_training_that_succeeds_at_the_second_attempt_is_one_decision(world: World) -> None:
    world.run_status = "failed"
    world.take_pass(START)
    world.run_status = "pushed"
    assert world.take_pass(START + 15 * MINUTE) == 0
    assert world.take_pass(TRIAL_OVER) == 0
    assert (world.acted(), world.outcomes()) == ([True], [("promoted", NEW)])


def test_a_run_that_pushed_elsewhere_is_not_the_loops(world: World) -> None:
    world.take_killed_pass(START, Step.TRAIN)
    world.run("pipelines", "run")  # a person's, with --push-to
    (world.serving / NEW).rmdir()
    assert world.take_pass(START) == 0
    assert world.lines("calls").count("run") == 2
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}


def test_a_span_that_was_accepted_after_the_decision_between_its_spans_is_in_its_run(world: World) -> None:
    world.run_status, world.trained_on = "refused", ("2014Q1", "2014Q1b", "2014Q2")
    assert world.take_pass(START) == 1
    assert world.outcomes() == [("refused", None)]


def test_a_run_on_other_spans_is_not_the_loops(world: World) -> None:
    world.run_status, world.trained_on = "refused", ("2014Q1", "2014Q2", "2014Q3")
    assert world.take_pass(START) == 1
    assert world.outcomes() == []


def test_a_model_that_a_gate_refuses_is_not_trained_again(world: World) -> None:
    world.run_status = "refused"
    assert world.take_pass(START) == 1
    assert world.lines("calls").count("run") == 1
    assert world.lines("told") == [
        "taxi: refused: run 20260302-060100: Evaluator refused the model; version 100 still answers"
    ]
    assert_old_version_answers(world)
    assert world.take_pass(TRIAL_OVER) == 0  # The same rows would give the same model.
    assert world.acted() == [True, False]


def test_a_worse_version_is_rolled_back_at_once(world: World) -> None:
    world._compare = lambda arguments: world.find(WORSE)  # type: ignore[method-assign]
    assert world.take_pass(START) == 1
    assert world.lines("calls")[-2:] == ["compare", "rollback"]
    assert world.outcomes() == [("rolled back", NEW)]
    assert "version 100 still answers" in world.lines("told")[0]
    assert_old_version_answers(world)


def test_a_version_that_turns_out_worse_during_the_trial_is_rolled_back_at_its_end(world: World) -> None:
    assert world.take_pass(START) == 0
    world._compare = lambda arguments: world.find(WORSE)  # type: ignore[method-assign]
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


@pytest.mark.parametrize("reason", ["rows 3, at least 100", "/log holds no request that could be replayed"])
def test_too_few_requests_say_nothing_so_the_trial_goes_on_until_there_are_more(world: World, reason: str) -> None:
    world._compare = lambda arguments: world.find(f"cannot be judged: {reason}")  # type: ignore[method-assign]
    assert world.take_pass(START) == 0
    assert f"unknown    canary 101 cannot be judged: {reason}; the trial goes on" in world.lines("said")
    assert world.take_pass(START + 59 * MINUTE) == 0
    assert world.lines("calls").count("compare") == 1
    for hours in range(1, 5):  # More often than a step that fails.
        assert world.take_pass(START + 60 * hours * MINUTE) == 0
    assert world.labels() == {"stable": int(OLD), "canary": int(NEW)}
    world._compare = lambda arguments: None  # type: ignore[assignment, method-assign]
    assert world.take_pass(START + 300 * MINUTE) == 0
    assert world.take_pass(START + 360 * MINUTE) == 0
    assert world.outcomes() == [("promoted", NEW)]


def test_an_older_comparison_is_no_verdict_of_one_that_died(world: World) -> None:
    world.find(WORSE)  # by a person, a while ago
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
        "taxi: roll back failed 3 times, and is tried on: `rollout rollback` ended with 1",
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


def test_a_promotion_by_a_person_that_runs_now_is_waited_for_and_not_undone(world: World) -> None:
    world.take_pass(START)
    started = world.begin("promote")
    world.status["rollback"] = 2  # the real one finds the lock held
    assert world.take_pass(TRIAL_OVER) == 2
    assert world.lines("said")[-1] == "waits      `rollout promote` runs, or cannot be mended (above)"
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

    world._rollback = rollback  # type: ignore[assignment, method-assign]
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.outcomes() == [("promoted", NEW)]


def test_report_records_what_is_due_tells_it_once_and_starts_nothing(world: World) -> None:
    with_policy(world, policy="report")
    assert world.take_pass(START) == 0
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.acted() == [False, False]
    assert "run" not in world.lines("calls")
    assert world.lines("told") == ["taxi: a training is due; policy report starts none"]


def test_without_servers_the_push_is_the_end_and_that_is_said(world: World) -> None:
    world.server = ()
    assert world.take_pass(START) == 0
    assert world.lines("calls")[-1] == "run"
    assert world.outcomes() == [("pushed", NEW)]
    assert "no --server was named, so servers take it at once" in world.lines("said")[-1]


def test_a_busy_folder_is_no_failure_of_the_training(world: World) -> None:
    world.status["run"] = 2
    assert world.take_pass(START) == 2
    journal = JournalStore(world.options.folder).read()
    assert journal is not None
    assert (journal.step, journal.attempts) == (Step.TRAIN, 0)


def test_a_span_in_quarantine_is_in_the_decision_and_in_the_exit_status(world: World) -> None:
    with_policy(world, policy="report")
    world.status["ingest"] = 1
    assert world.take_pass(START) == 1
    (decision,) = DecisionLog(world.options.folder).decisions()
    assert [reason.text for reason in decision.reasons if reason.kind == "unknown"] == [
        f"new spans: a span of {world.options.source} stands in quarantine, or cannot be read"
    ]


def test_only_the_status_of_a_quarantine_is_told_as_one(world: World) -> None:
    with_policy(world, policy="report")
    world.status["ingest"] = -9
    assert world.take_pass(START) == 1
    (decision,) = DecisionLog(world.options.folder).decisions()
    assert "new spans: ingest ended with -9" in [reason.text for reason in decision.reasons]


def test_who_could_not_be_told_of_a_version_that_waits_is_told_again(world: World) -> None:
    with_policy(world, policy="ask")
    world.take_pass(START)
    world.tell = lambda program, text: "mail ended with 1"  # type: ignore[method-assign]
    assert world.take_pass(TRIAL_OVER) == 1
    del world.tell  # type: ignore[method-assign]
    assert world.take_pass(TRIAL_OVER + MINUTE) == 0
    assert world.take_pass(TRIAL_OVER + 2 * MINUTE) == 0
    assert len(world.lines("told")) == 1


def test_a_person_who_acts_before_being_told_is_not_told_to(world: World) -> None:
    with_policy(world, policy="ask")
    world.take_pass(START)
    world.run("serving", "rollout", "promote")
    assert world.take_pass(TRIAL_OVER) == 0
    assert world.lines("told") == ["taxi: promoted: somebody promoted version 101"]


def test_looks_that_could_not_judge_are_unknown_and_no_failure(world: World) -> None:
    with_policy(world, due=dataclasses.replace(POLICY.due, new_rows=None))
    world.traffic, world.performance = "too_few_rows", "labels out"
    assert world.take_pass(START) == 0
    (decision,) = DecisionLog(world.options.folder).decisions()
    assert [str(reason) for reason in decision.reasons] == [
        "unknown    drift: verdict too_few_rows: fare (look 20260302-060000)",
        "unknown    performance: no metric could be judged, on 400 labelled rows: labels out of 1",
    ]


@pytest.mark.parametrize(("version", "status"), [(OLD, 1), (None, 0)])
def test_a_missing_request_log_is_a_fault_where_a_version_answers(
    world: World, version: str | None, status: int
) -> None:
    with_policy(world, policy="report")
    world.options.requests.rmdir()
    if version is None:
        (world.serving / OLD).rmdir()
    assert world.take_pass(START) == status
    assert world.lines("calls") == ["ingest"]


def test_rows_of_a_decision_are_known_where_its_run_left_no_record(world: World) -> None:
    world.take_pass(START)
    world.take_pass(TRIAL_OVER)
    (record,) = world.options.var.glob("runs/*/summary.json")
    record.unlink()
    assert world.take_pass(TRIAL_OVER + 60 * MINUTE) == 0
    assert world.acted() == [True, False]
    assert world.lines("calls").count("run") == 1


def test_metrics_of_a_measurement_that_failed_do_not_count(world: World) -> None:
    world.run("pipelines", "production-metrics")  # of a while ago, and worse
    with_policy(world, due=dataclasses.replace(POLICY.due, drift=False, new_rows=None))
    world.status["production-metrics"] = 1
    assert world.take_pass(START) == 1
    assert world.acted() == [False]


def test_a_line_that_a_crash_cut_off_is_dropped_and_no_decision_is_recorded_twice(world: World) -> None:
    world.take_pass(START)
    log = DecisionLog(world.options.folder)
    (decision,) = log.decisions()
    with log.path.open("a") as file:
        file.write('{"kind": "outc')
    log.record_decision(decision)
    log.record_outcome(decision.id, "promoted", "", NEW, START)
    log.record_outcome(decision.id, "failed", "", NEW, START)
    assert [json.loads(line)["kind"] for line in log.path.read_text().splitlines()] == ["decision", "outcome"]
    assert log.outcomes()[decision.id]["outcome"] == "promoted"


@pytest.mark.parametrize("text", ["what?", "null", '{"kind": "decision", "id": "d"}', '{"kind": "outcome", "id": "d"}'])
def test_a_damaged_log_is_no_empty_one(world: World, text: str) -> None:
    log = DecisionLog(world.options.folder)
    log.path.write_text(f"{text}\n")
    with pytest.raises(DecisionLogError, match=r"decisions.jsonl:1: expected one decision or outcome as a JSON object"):
        log.decisions()


@pytest.mark.parametrize("text", ["", "null", "[]", '"format"', '{"format": 2}', '{"format": 1}'])
def test_a_damaged_journal_is_not_begun_anew(world: World, text: str) -> None:
    store = JournalStore(world.options.folder)
    store.path.write_text(text)
    with pytest.raises(JournalError, match="is no journal: expected what a loop of this project wrote"):
        store.read()


def test_one_loop_at_a_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with exclusive(world.options.folder / command.LOCK_FILE, "4711"):
        assert command.run_loop(world.options) == 2
    assert "another loop of this task (process 4711) is at work" in capsys.readouterr().err


def test_a_dry_run_explains_and_writes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("ingest",), ("monitor",), ("production-metrics",)):
        world.run("pipelines", *words)
    before = sorted(world.base.rglob("*"))
    assert command.run_loop(dataclasses.replace(world.options, dry_run=True)) == 0
    said = capsys.readouterr().out
    assert "due        new rows: 120 accepted rows that the last training had not; 800 make it due" not in said
    assert "due        drift: verdict alarm: fare (look 20260302-060000)\n" in said
    assert "spans      2014Q1 v1, 2014Q2 v1: 120 rows\ndecision   train; policy ask\n" in said
    assert sorted(world.base.rglob("*")) == before


def test_a_pass_that_has_not_decided_yet_holds_no_dry_run_back(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.take_pass(START)
    JournalStore(world.options.folder).clear()
    world.status["monitor"] = 2
    world.take_pass(START)
    command.run_loop(dataclasses.replace(world.options, dry_run=True))
    assert "goes on with monitor" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("time", "next_due"),
    [
        (datetime.datetime(2026, 2, 28, tzinfo=datetime.UTC), "2026-03-01 00:00 UTC by schedule"),
        (
            datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC),
            "at the next pass, unless held back; by schedule since 2026-03-01 00:00 UTC",
        ),
    ],
)
def test_status_says_no_time_that_has_passed_and_nothing_held_back_that_is_not_due(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    time: datetime.datetime,
    next_due: str,
) -> None:
    monkeypatch.setattr(state, "utc_now", lambda: time)
    DecisionLog(world.options.folder).record_decision(
        Decision(
            id="d", time=START, act=False, policy="ask", spans={}, rows=0, serving=OLD,
            reasons=(Reason(kind=NOT_DUE, text="drift"), Reason(kind=HELD_BACK, text="no rows")),
            next_due=datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC),
        )
    )  # fmt: skip
    assert command.show_state(world.options, 5) == 0
    said = capsys.readouterr().out
    assert f"next due   {next_due}\n" in said
    assert "held back  no rows" not in said


def test_a_number_of_nodes_at_once_is_held_to_be_one(world: World) -> None:
    with pytest.raises(ConfigError, match="at once: expected 1 or more, received -1"):
        dataclasses.replace(world.options, at_once=-1)


def test_status_shows_what_waits_the_decisions_and_the_next_due_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.take_pass(START)
    assert command.show_state(world.options, 5) == 0
    said = capsys.readouterr().out
    assert "state      pass 20260302-060000 goes on with trial, not before 2026-03-02 07:00 UTC\n" in said
    assert "answers    100, 101 on trial\n" in said
    assert "decision   2026-03-02 06:00  train: under way\n           due        new rows: 120 accepted rows" in said
    world.take_pass(TRIAL_OVER)
    assert command.show_state(world.options, 5) == 0
    said = capsys.readouterr().out
    assert "state      no pass is under way\nanswers    101\n" in said
    assert "train: promoted: version 101 answers instead of 100\n" in said


def repeat(
    world: World, monkeypatch: pytest.MonkeyPatch, interval: str, sleeps: int, during: Callable[[int], None]
) -> list[float]:
    """Runs the repeating loop until it has slept so often; `during` takes the number of the sleep. Returns seconds."""
    now = START
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        during(len(slept))
        now += datetime.timedelta(seconds=seconds)
        if len(slept) == sleeps:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", sleep)
    monkeypatch.setattr(command, "utc_now", lambda: now)
    monkeypatch.setattr(command, "read_policy", lambda task: POLICY)
    monkeypatch.setattr(
        command, "LoopContext", lambda **fields: dataclasses.replace(world.context(START), now=lambda: now, **fields)
    )
    assert command.run_loop(dataclasses.replace(world.options, once=False, interval=interval)) == 130
    return slept


def test_without_once_passes_follow_each_other_and_a_step_that_waits_comes_earlier(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The trial is over after an hour; then nothing waits.
    assert repeat(world, monkeypatch, "2h", 3, lambda number: None) == [3600, 7200, 7200]
    assert world.outcomes() == [("promoted", NEW)]
    said = capsys.readouterr()
    assert "next pass  2026-03-02 07:00 UTC\n" in said.out
    assert "interrupted; the next call goes on" in said.err


def test_an_error_ends_one_pass_and_not_the_repeating_loop(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = JournalStore(world.options.folder).path
    journal.write_text("half writ")
    assert repeat(world, monkeypatch, "2h", 3, lambda number: journal.unlink() if number == 1 else None) == [
        7200, 3600, 7200,
    ]  # fmt: skip
    assert f"error: {journal} is no journal" in capsys.readouterr().err
    assert world.outcomes() == [("promoted", NEW)]


def test_an_error_of_a_single_pass_is_its_exit_status(world: World) -> None:
    JournalStore(world.options.folder).path.write_text("half writ")
    assert command.run_loop(world.options) == 1


def test_a_step_whose_time_has_passed_and_that_finds_the_folder_in_use_is_tried_at_the_interval(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run_status = "failed"  # at first, so that a time is set
    assert repeat(world, monkeypatch, "2h", 3, lambda number: world.status.update(run=2)) == [900, 7200, 7200]
