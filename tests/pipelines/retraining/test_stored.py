"""The log of decisions and the journal: what a crash cut off, and what somebody damaged."""

import json

import pytest

from pipelines.retraining.decision_log import DecisionLog, DecisionLogError
from pipelines.retraining.journal import JournalError, JournalStore
from tests.pipelines.retraining.scripted import NEW, START, World


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
    with pytest.raises(JournalError, match="is no journal: expected a file that this project's loop wrote"):
        store.read()
