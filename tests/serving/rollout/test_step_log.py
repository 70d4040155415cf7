"""The log of steps survives crashes and tells what there is to go back to."""

import dataclasses
from pathlib import Path

import pytest

from serving.rollout.errors import PreconditionError
from serving.rollout.step_log import RolloutState, StepLog, StepRecord, StepResult

BEFORE, AFTER = RolloutState(1, None, 0), RolloutState(1, 2, 12.5)


def record(
    command: str = "canary", before: RolloutState = BEFORE, after: RolloutState = AFTER, **fields: object
) -> StepRecord:
    given = {
        "result": StepResult.DONE,
        "model": "taxi",
        "time": "2026-11-21T08:00:00.000+00:00",
        "who": "op@host",
    } | fields
    return StepRecord(command=command, before=before, after=after, **given)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> StepLog:
    return StepLog(tmp_path / "rollout.log.jsonl")


def test_what_is_appended_is_read(log: StepLog) -> None:
    records = [record(result=StepResult.STARTED, config_before="# é\n"), record(detail="fine")]
    for each in records:
        log.append(each)
    assert log.records("taxi") == records
    assert log.records("other") == []


def test_a_torn_line_is_no_record_and_the_next_one_takes_its_place(log: StepLog) -> None:
    log.append(record())
    with log.path.open("ab") as file:
        file.write('{"time": "2026-11-21", "who": "é'.encode()[:-1])
    assert log.records("taxi") == [record()]
    log.append(record("promote"))
    assert [each.command for each in log.records("taxi")] == ["canary", "promote"]


def test_a_line_that_is_no_record_is_named(log: StepLog) -> None:
    log.append(record())
    with log.path.open("a") as file:
        file.write('{"time": 1}\n')
    with pytest.raises(PreconditionError, match=r"rollout.log.jsonl:2 is not a record of a roll-out"):
        log.records("taxi")


@pytest.mark.parametrize(("results", "unfinished"), [
    ([], False),
    ([StepResult.STARTED, StepResult.DONE], False),
    ([StepResult.STARTED, StepResult.PUT_BACK], False),
    ([StepResult.STARTED], True),
    ([StepResult.STARTED, StepResult.NOT_TOLD], True),
    ([StepResult.STARTED, StepResult.NOT_TOLD, StepResult.PUT_BACK], False),
])  # fmt: skip
def test_unfinished(log: StepLog, results: list[StepResult], unfinished: bool) -> None:
    for result in results:
        log.append(record(result=result))
    found = log.unfinished_step("taxi")
    assert (found is not None) == unfinished
    assert found is None or found.result is results[-1]


def test_what_was_stable_before(log: StepLog) -> None:
    log.append(record("promote", RolloutState(1, 2, 10), RolloutState(2, None, 0)))
    log.append(record("promote", RolloutState(2, 3, 10), RolloutState(3, None, 0), model="other"))
    log.append(record("promote", RolloutState(2, 4, 10), RolloutState(4, None, 0), result=StepResult.PUT_BACK))
    log.append(record("rollback", RolloutState(5, None, 0), RolloutState(4, None, 0)))
    assert log.stable_before("taxi", 2) == 1
    assert log.stable_before("taxi", 3) is None
    assert log.stable_before("taxi", 4) is None
    log.append(record("promote", RolloutState(7, 2, 10), RolloutState(2, None, 0)))
    assert log.stable_before("taxi", 2) == 7


def test_a_state_in_words() -> None:
    assert [str(state) for state in (BEFORE, AFTER, RolloutState(None, None, 0))] == [
        "stable 1", "stable 1, canary 2 at 12.5%", "stable none",
    ]  # fmt: skip
    assert str(dataclasses.replace(AFTER, percent=100.0)) == "stable 1, canary 2 at 100%"
