"""The loop as a command: one at a time, again and again, dry, and its state."""

import dataclasses
import datetime
import time
from collections.abc import Callable

import pytest

from pipelines.config import ConfigError
from pipelines.retraining import command, state
from pipelines.retraining.decision import HELD_BACK, NOT_DUE, Decision, Reason
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import JournalStore
from serving.file_lock import exclusive
from tests.pipelines.retraining.scripted import (
    NEW,
    OLD,
    POLICY,
    START,
    TRIAL_OVER,
    World,
)


def test_one_loop_at_a_time(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with exclusive(world.options.folder / command.LOCK_FILE, "4711"):
        assert command.run_loop(world.options) == 2
    assert "another loop of this task (process 4711) is running" in capsys.readouterr().err


def test_a_dry_run_explains_and_writes_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("ingest",), ("monitor",), ("production-metrics",)):
        world.run("pipelines", *words)
    before = sorted(world.base.rglob("*"))
    assert command.run_loop(dataclasses.replace(world.options, dry_run=True)) == 0
    said = capsys.readouterr().out
    assert "due        new rows: 120 accepted rows that the last training had not; 800 make it due" not in said
    assert "due        drift: verdict alarm: fare (monitoring run 20260302-060000)\n" in said
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
    assert "continues with monitor" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("now", "next_due"),
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
    now: datetime.datetime,
    next_due: str,
) -> None:
    monkeypatch.setattr(state, "utc_now", lambda: now)
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
    assert "state      pass 20260302-060000 continues with trial, not before 2026-03-02 07:00 UTC\n" in said
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

    monkeypatch.setattr(time, "sleep", sleep)
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
    assert "interrupted; the next call continues from here" in said.err


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
