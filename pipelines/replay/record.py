"""Record what a replay found in each span: summary.json, whose format docs/how-to/replay.md describes."""

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
    """The result of one span whose rows were sent."""

    span: str
    sent: int  # rows
    versions: dict[str, int]  # version -> rows that it answered, the most first
    refused: list[str]  # reasons of the gateway, one for each refused row
    failed: list[str]  # errors, one for each valid row without an answer
    told: int  # outcomes that were stored
    quarantined: bool  # whether ingestion refused the span
    verdict: str  # of monitoring; "none" if it did not run
    alarms: list[str]  # columns that raised the alarm
    page: str  # path of monitoring's page, relative to the replay's folder; empty if there is none
    decision: str  # id
    seconds: float  # of the wall clock
    comparison: Comparison
    first: Estimate
    retrained: Estimate | None  # of the version that answered most rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecisionRecord:
    """One decision of the loop, and its outcome."""

    id: str
    span: str  # the span after which it was made
    act: bool
    reasons: list[Reason]
    spans: list[str]  # spans to train on
    outcome: str | None  # one word; None if nothing was done or it has not ended
    detail: str
    version: str | None  # the pushed version


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReplayRecord:
    """The result of a whole replay."""

    task: str
    started: str  # UTC, ISO 8601
    seconds: float  # of the wall clock
    trained_first: list[str]  # spans that the first model was trained on
    first_version: str
    spans: list[SpanRecord]
    decisions: list[DecisionRecord]
    overall: Comparison  # on all labelled rows
    planned: int  # spans to send; if `spans` has fewer, the replay still runs or was stopped

    def as_dict(self) -> dict[str, Any]:
        """Return the record in JSON's types; undefined numbers become None."""
        return {"format": FORMAT, **_without_nan(dataclasses.asdict(self))}

    def write(self, folder: Path) -> Path:
        """Write summary.json, whole or not at all, and return its path."""
        path = folder / SUMMARY_FILE
        write_whole(path, json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n")
        return path


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
