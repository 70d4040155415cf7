"""What stands in quarantine."""

import json
from pathlib import Path

import pytest

from components.anomaly_gate.findings import Finding
from pipelines.ingestion import quarantine
from pipelines.ingestion.blamed_rows import BlamedCell, BlamedRows
from pipelines.ingestion.quarantine import Quarantine, Refusal

CELL = BlamedCell(file="/in/2014Q1.csv", line=7, column="fare", cell="x€", expected="FLOAT")
FINDING = Finding(feature="fare", split="span", rule="R", expected="a", observed="b", share=0.5, remedy="mend it")
REFUSAL = Refusal(
    task="taxi",
    span="2014Q1",
    version=2,
    source="/in/2014Q1.csv",
    fingerprint="split:…",
    judged_by="abc",
    compared_with="2013Q4 v1",
    refused="2014-05-01T00:00:00+00:00",
    node="AnomalyGate",
    error="the data does not meet the contract c: 1 finding\n  fare (span): …",
    findings=[FINDING],
    blamed=BlamedRows(cells=[CELL], total=3),
    accepted_version=1,
    contract="c",
)


def test_what_is_put_is_found_again_and_read_by_people(tmp_path: Path) -> None:
    room = Quarantine(tmp_path, "taxi")
    assert room.find("2014Q1") is None
    folder = room.put(REFUSAL)
    assert folder == tmp_path / "quarantine" / "taxi" / "2014Q1"
    assert room.find("2014Q1") == REFUSAL
    record = json.loads((folder / "reasons.json").read_text(encoding="utf-8"))
    assert (record["format"], record["rows_to_blame"]) == (1, 3)
    assert record["rows"] == [
        {"file": "/in/2014Q1.csv", "line": 7, "column": "fare", "cell": "x€", "expected": "FLOAT"}
    ]
    assert record["findings"][0]["remedy"] == "mend it"
    text = (folder / "reasons.txt").read_text(encoding="utf-8")
    assert "  /in/2014Q1.csv, line 7, column fare: expected FLOAT, received 'x€'" in text
    assert "and 2 more" in text
    assert "Version 1, which was accepted before, stays in use." in text
    assert "What to do: correct /in/2014Q1.csv, and ingest again; or, if the rows are right, change c" in text


def test_a_span_that_is_released_leaves_nothing(tmp_path: Path) -> None:
    room = Quarantine(tmp_path, "taxi")
    room.put(REFUSAL)
    room.release("2014Q1")
    room.release("2014Q1")
    assert room.find("2014Q1") is None
    assert list((tmp_path / "quarantine" / "taxi").iterdir()) == []


def test_a_record_that_could_not_be_written_does_not_leave_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one is of other rows: a span that is refused anew must not be taken for judged."""
    room = Quarantine(tmp_path, "taxi")
    room.put(REFUSAL)

    def full(path: Path, content: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(quarantine, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        room.put(REFUSAL)
    assert room.find("2014Q1") is None
