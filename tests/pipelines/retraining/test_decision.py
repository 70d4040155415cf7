"""The decision, as a table: what is seen, whether a training begins, and the reasons."""

import dataclasses
import datetime
from typing import Any

import pytest

from pipelines.retraining.decision import DUE, HELD_BACK, NOT_DUE, UNKNOWN, Decision, decide
from pipelines.retraining.observations import ChosenSpan, Observations, PerformanceLook, TrafficLook, Training
from pipelines.retraining.policy import Due, Limits, RetrainingPolicy

NOW = datetime.datetime(2026, 3, 20, 12, tzinfo=datetime.UTC)


def days(number: float) -> datetime.datetime:
    """So many days ago."""
    return NOW - datetime.timedelta(days=number)


POLICY = RetrainingPolicy(
    policy="auto",
    spans="last:2",
    due=Due(schedule="13w", drift=True, performance=True, new_rows=500),
    limits=Limits(cool_down="7d", trainings_a_month=2),
)
# Nothing is due: three weeks after the last training 400 new rows have come.
QUIET = Observations(
    now=NOW,
    serving="100",
    can_hold_back=True,
    last_training=Training(run_id="r1", time=days(21), spans={"2014Q1": 1, "2014Q2": 1}),
    trainings=[days(21)],
    chosen=[ChosenSpan(name="2014Q2", version=1, rows=900), ChosenSpan(name="2014Q3", version=1, rows=400)],
    traffic=TrafficLook(run_id="m1", alarm=False, judged=True, end=NOW, sentence="verdict unchanged"),
    performance=PerformanceLook(worse=[], judged=2, unjudged={}, labelled=800),
    failed_looks={},
)
ALARM = TrafficLook(run_id="m2", alarm=True, judged=True, end=NOW, sentence="verdict alarm: fare")
WORSE = PerformanceLook(
    worse=["auc on overall: 0.9, promised 0.95"], judged=1, unjudged={"few labels": 3}, labelled=800
)
MORE = [QUIET.chosen[0], ChosenSpan(name="2014Q3", version=1, rows=500)]
OLD = dataclasses.replace(QUIET.last_training, time=days(91))


def seen(**changes: Any) -> Observations:
    return dataclasses.replace(QUIET, **changes)


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"last_training": OLD}, "schedule: the last training was 91 days ago; due every 13w"),
        ({"chosen": MORE}, "new rows: 500 accepted rows that the last training had not; 500 make it due"),
        ({"traffic": ALARM}, "drift: verdict alarm: fare (monitoring run m2)"),
        ({"performance": WORSE}, "performance: worse than promised: auc on overall: 0.9, promised 0.95"),
        ({"serving": None}, "first model: no version was pushed yet"),
    ],
)
def test_each_trigger_by_itself_begins_a_training_and_none_does_not(changes: dict[str, Any], due: str) -> None:
    assert not decide("d", POLICY, QUIET).act
    decision = decide("d", POLICY, seen(**changes))
    assert decision.act
    assert [reason.text for reason in decision.reasons if reason.kind == DUE] == [due]


@pytest.mark.parametrize(
    ("changes", "not_due"),
    [
        ({"last_training": dataclasses.replace(OLD, time=days(90.99))}, "schedule: the last training was 90 days ago"),
        ({}, "new rows: 400 accepted rows that the last training had not"),
        (
            {"traffic": dataclasses.replace(ALARM, end=days(21))},
            "drift: the alarm of monitoring run m2 is about a window before",
        ),
        ({}, "performance: no metric is worse than promised, on 800 labelled rows"),
    ],
)
def test_a_trigger_just_short_of_it_does_not(changes: dict[str, Any], not_due: str) -> None:
    decision = decide("d", POLICY, seen(**changes))
    assert not decision.act
    texts = [reason.text for reason in decision.reasons if reason.kind == NOT_DUE]
    assert any(text.startswith(not_due) for text in texts), texts


@pytest.mark.parametrize(
    ("changes", "held_back"),
    [
        (
            {"chosen": [ChosenSpan(name=name, version=1, rows=900) for name in ("2014Q1", "2014Q2")]},
            "same rows: run r1 had exactly these spans in these versions",
        ),
        ({"chosen": []}, "no rows: spans last:2 has no accepted span; ingest some"),
        ({"trainings": [days(6.9)]}, "cool-down: the last training began 6 days ago; 7d at least"),
        ({"trainings": [days(19), days(8)]}, "budget: 2 trainings in 2026-03, at most 2"),
        ({"waiting": "version 101 waits"}, "one at a time: version 101 waits"),
        ({"on_trial": "101"}, "one at a time: version 101 is on trial; promote it or roll back"),
    ],
)
def test_what_is_due_is_held_back(changes: dict[str, Any], held_back: str) -> None:
    decision = decide("d", POLICY, seen(traffic=ALARM, **changes))
    assert not decision.act
    assert not decision.is_due
    assert [reason.text for reason in decision.reasons if reason.kind == HELD_BACK] == [held_back]


def test_a_budget_is_of_the_calendar_month() -> None:
    assert decide(
        "d", POLICY, seen(traffic=ALARM, trainings=[days(20), days(19)])
    ).act  # The first of them in February.


def test_a_corrected_span_is_new_rows() -> None:
    corrected = [dataclasses.replace(QUIET.chosen[0], version=2), QUIET.chosen[1]]
    decision = decide("d", POLICY, seen(chosen=corrected))
    assert decision.act
    assert decision.spans == {"2014Q2": 2, "2014Q3": 1}
    assert decision.rows == 1300


@pytest.mark.parametrize(
    ("policy", "changes", "act"),
    [
        ("auto", {"can_hold_back": False}, True),
        ("ask", {}, True),
        ("ask", {"can_hold_back": False}, False),  # A push would answer before anybody was asked.
        ("ask", {"can_hold_back": False, "serving": None}, True),  # Nothing answers yet.
        ("report", {}, False),
    ],
)
def test_the_policy_says_whether_it_is_acted_on(policy: Any, changes: dict[str, Any], act: bool) -> None:
    asked = dataclasses.replace(POLICY, policy=policy)
    decision = decide("d", asked, seen(traffic=ALARM, **changes))
    assert decision.act is act
    assert decision.is_due is (act or policy == "report")


def test_a_look_without_a_result_decides_nothing_and_is_said() -> None:
    failures = {"ingest": "q", "monitor": "no log", "measure": "production-metrics ended with 1"}
    decision = decide("d", POLICY, seen(traffic=None, performance=None, failed_looks=failures))
    assert not decision.act
    assert [reason.text for reason in decision.reasons if reason.kind == UNKNOWN] == [
        "drift: no log",
        "performance: production-metrics ended with 1",
        "new spans: q",
    ]


def test_a_look_that_could_not_judge_is_not_all_is_well() -> None:
    few = dataclasses.replace(ALARM, run_id="m1", alarm=False, judged=False, sentence="verdict too_few_rows")
    out = PerformanceLook(worse=[], judged=0, unjudged={"few labels": 1, "labels out": 2}, labelled=3)
    decision = decide("d", POLICY, seen(traffic=few, performance=out))
    assert not decision.act
    assert [reason.text for reason in decision.reasons if reason.kind == UNKNOWN] == [
        "drift: verdict too_few_rows (monitoring run m1)",
        "performance: no metric could be judged, on 3 labelled rows: few labels of 1, labels out of 2",
    ]


def test_metrics_that_could_not_be_judged_are_said_beside_those_that_could() -> None:
    some = PerformanceLook(worse=[], judged=2, unjudged={"few labels": 1}, labelled=800)
    assert [reason.text for reason in decide("d", POLICY, seen(performance=some)).reasons][-1] == (
        "performance: no metric is worse than promised, on 800 labelled rows; not judged: few labels of 1"
    )


def test_what_the_policy_does_not_ask_for_decides_nothing() -> None:
    only_rows = dataclasses.replace(POLICY, due=Due(new_rows=500))
    decision = decide("d", only_rows, seen(traffic=ALARM, performance=WORSE, last_training=OLD))
    assert not decision.act
    assert decision.next_due is None


@pytest.mark.parametrize(
    ("changes", "next_due"),
    [
        ({}, days(21 - 91)),
        ({"last_training": None, "trainings": []}, NOW),
        ({"last_training": OLD, "trainings": [days(1)]}, days(1 - 7)),  # It is due; the cool-down is not over.
    ],
)
def test_the_next_training_by_schedule(changes: dict[str, Any], next_due: datetime.datetime) -> None:
    assert decide("d", POLICY, seen(**changes)).next_due == next_due


def test_a_decision_comes_back_from_json_as_it_was() -> None:
    decision = decide("d", POLICY, seen(traffic=ALARM))
    assert Decision.from_dict(decision.as_dict()) == decision
