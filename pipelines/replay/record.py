"""What a replay found, span by span: summary.json, whose format docs/how-to/replay.md describes."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

from pipelines.replay.lines import Comparison, Estimate
from pipelines.retraining.decision import Reason
from serving.durable_file import write_whole

FORMAT = 1
SUMMARY_FILE = "summary.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanRecord:
    """One span whose rows were sent."""

    span: str
    sent: int  # rows
    versions: dict[str, int]  # that answered -> rows; the one with the most first
    refused: list[str]  # why the gateway refused a row
    failed: list[str]  # why a row that meets the contract got no answer
    told: int  # outcomes
    quarantined: bool  # whether ingestion refused the span
    verdict: str  # of monitoring
    alarms: list[str]  # columns that raised the alarm
    page: str  # of monitoring, relative to the folder of the replay; empty: there is none
    decision: str  # id
    seconds: float  # of the wall clock
    comparison: Comparison
    first: Estimate
    retrained: Estimate | None  # of the version that answered most rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecisionRecord:
    """One decision of the loop, and what became of it."""

    id: str
    span: str  # after which it was made
    act: bool
    reasons: list[Reason]
    spans: list[str]  # that were, or would be, trained on
    outcome: str | None  # in one word; None: it did not act, or is not at its end
    detail: str
    version: str | None  # that was pushed


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayRecord:
    """A whole replay."""

    task: str
    started: str  # UTC, ISO 8601
    seconds: float  # of the wall clock
    trained_first: list[str]  # spans that the first model was trained on
    first_version: str
    spans: list[SpanRecord]
    decisions: list[DecisionRecord]
    overall: Comparison  # of all labelled rows together
    planned: int  # spans to send; more than there are in `spans`: the replay goes on, or was stopped

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON; what is undefined is None."""
        return {"format": FORMAT, **_without_nan(dataclasses.asdict(self))}

    def write(self, folder: Path) -> Path:
        """Write summary.json, whole or not at all, and returns its path."""
        path = folder / SUMMARY_FILE
        write_whole(path, json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n")
        return path


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
