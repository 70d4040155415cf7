"""What a pass does when something fails, a gate refuses, or the policy stops it."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import JournalStore, Step
from serving.rollout.options import RolloutOptions
from tests.pipelines.retraining.scripted import (
    MINUTE,
    NEW,
    OLD,
    POLICY,
    START,
    TRIAL_OVER,
    World,
    assert_old_version_answers,
    with_policy,
)


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
        "taxi: failed: train failed 3 times: the training ended with 0: no room; the version that answers is unchanged"
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


def test_a_tie_that_the_policy_does_not_push_is_an_outcome_and_no_failure(world: World) -> None:
    with_policy(world, push_ties=False)
    world.run_status = "tie"
    assert world.take_pass(START) == 0
    assert "--push-ties" not in world.run_arguments
    assert world.outcomes() == [("tie", None)]
    assert world.lines("told") == [
        "taxi: tie: run 20260302-060100: not distinguishable from 100; version 100 still answers"
    ]
    assert_old_version_answers(world)
    assert world.take_pass(TRIAL_OVER) == 0  # The same rows would give the same model.
    assert world.acted() == [True, False]


def test_a_tie_that_a_margin_holds_back_says_so(world: World) -> None:
    world.run_status, world.held_back = "refused", True
    world.take_pass(START)
    assert world.lines("told") == [
        "taxi: refused: run 20260302-060100: not distinguishable from 100; version 100 still answers"
    ]


def test_ties_are_pushed_unless_the_policy_says_otherwise(world: World) -> None:
    world.take_pass(START)
    assert "--push-ties" in world.run_arguments


def test_what_is_pushed_is_signed_and_nothing_else_is_rolled_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    signing = {"sign": Path("/keys/kms.pem"), "sign_command": "kms sign", "verify_keys": Path("/keys")}
    options, run, called = dataclasses.replace(world.options, **signing), world.run, list[tuple[str, ...]]()
    monkeypatch.setattr(World, "options", options)
    monkeypatch.setattr(world, "run", lambda *words: called.append(words) or run(*words))
    world.take_pass(START)
    assert world.run_arguments[-4:] == ("--sign", "/keys/kms.pem", "--sign-command", "kms sign")
    rolled_out = [words for words in called if words[1] == "rollout"]
    assert rolled_out
    assert all(words[words.index("--verify-keys") + 1] == "/keys" for words in rolled_out)
    with pytest.raises(ValueError, match="--sign-command: expected --sign with it"):
        dataclasses.replace(options, sign=None)


def test_servers_are_reached_over_tls_where_that_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"tls_ca": Path("/tls/ca.crt"), "tls_certificate": Path("/tls/tls.crt"), "tls_key": Path("/tls/tls.key")}
    given: dict[str, Any] = {**files, "tls_server_name": "model-server"}
    options = dataclasses.replace(world.options, tls=True, **given)
    run, called = world.run, list[tuple[str, ...]]()

    def noted(*words: str) -> int:
        called.append(words)
        return run(*words)

    monkeypatch.setattr(World, "options", options)
    monkeypatch.setattr(world, "run", noted)
    world.take_pass(START)
    rolled_out = [words for words in called if words[1] == "rollout"]
    assert rolled_out
    for words in rolled_out:
        assert "--tls" in words
        for name, value in given.items():
            assert words[words.index("--" + name.replace("_", "-")) + 1] == str(value)
    assert {*given, "tls"} == {
        field.name for field in dataclasses.fields(RolloutOptions) if field.name.startswith("tls")
    }
    with pytest.raises(ValueError, match="expected --tls-certificate and --tls-key"):
        dataclasses.replace(options, tls_key=None)


def test_an_experiment_by_hand_is_not_the_loops(world: World) -> None:
    world.run_status, world.experiment = "experiment", "night"
    assert world.take_pass(START) == 1  # It left no run of its own, so it is tried again.
    assert world.outcomes() == []


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
        f"new spans: a span of {world.options.source} is in quarantine, or cannot be read"
    ]


def test_only_the_status_of_a_quarantine_is_told_as_one(world: World) -> None:
    with_policy(world, policy="report")
    world.status["ingest"] = -9
    assert world.take_pass(START) == 1
    (decision,) = DecisionLog(world.options.folder).decisions()
    assert "new spans: ingest ended with -9" in [reason.text for reason in decision.reasons]


def test_rows_of_the_request_log_are_taken_in_where_the_policy_asks_for_it(world: World) -> None:
    with_policy(world, policy="report", from_log="month")
    assert world.take_pass(START) == 0
    of_folder, of_log = world.lines("ingested")
    assert of_folder.endswith(f"--from {world.options.source}")
    assert of_log.endswith(f"--from-log --window month --log {world.options.requests}")


def test_rows_of_the_request_log_that_stand_in_quarantine_are_told_beside_those_that_arrived(world: World) -> None:
    with_policy(world, policy="report", from_log="day")
    world.status["ingest"] = 1
    assert world.take_pass(START) == 1
    (decision,) = DecisionLog(world.options.folder).decisions()
    (unknown,) = [reason.text for reason in decision.reasons if reason.kind == "unknown"]
    assert f"{world.options.source} is in quarantine, or cannot be read; a span of" in unknown
    assert unknown.endswith(f"{world.options.requests} is in quarantine, or cannot be made of the request log")


def test_looks_that_could_not_judge_are_unknown_and_no_failure(world: World) -> None:
    with_policy(world, due=dataclasses.replace(POLICY.due, new_rows=None))
    world.traffic, world.performance = "too_few_rows", "labels out"
    assert world.take_pass(START) == 0
    (decision,) = DecisionLog(world.options.folder).decisions()
    assert [str(reason) for reason in decision.reasons] == [
        "unknown    drift: verdict too_few_rows: fare (monitoring run 20260302-060000)",
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
