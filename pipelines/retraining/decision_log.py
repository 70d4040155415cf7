"""Append every decision and every outcome to the loop's log, one JSON object per line, and read them."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.retraining.decision import Decision
from serving.durable_file import append_line

LOG_FILE = "decisions.jsonl"
FAILED = "failed"  # outcome of a decision whose step failed as often as the policy allows
_DECISION, _OUTCOME = "decision", "outcome"  # kinds of lines


class DecisionLogError(RuntimeError):
    """A line of the log is neither a decision nor an outcome."""


class DecisionLog:
    """The log of decisions in the loop's folder."""

    def __init__(self, folder: Path):
        self.path = folder / LOG_FILE

    def record_decision(self, decision: Decision) -> None:
        """Append a decision, unless the log has it already."""
        self._add({"kind": _DECISION, **decision.as_dict()})

    def record_outcome(self, id: str, outcome: str, detail: str, version: str | None, time: datetime.datetime) -> None:
        """Append the outcome of a decision, unless the log has it already.

        Args:
            id: of the decision.
            outcome: in one word.
            detail: the outcome in a sentence.
            version: the pushed version; None: nothing was pushed.
            time: now, UTC.
        """
        moment = time.isoformat(timespec="seconds")
        self._add(
            {"kind": _OUTCOME, "id": id, "time": moment, "outcome": outcome, "detail": detail, "version": version}
        )

    def decisions(self) -> Sequence[Decision]:
        """Return the decisions, oldest first.

        Raises:
            DecisionLogError: A line is neither a decision nor an outcome.
        """
        return [
            self._decision(number, line)
            for number, line in enumerate(self._lines(), start=1)
            if line["kind"] == _DECISION
        ]

    def outcomes(self) -> Mapping[str, Mapping[str, Any]]:
        """Return a mapping of each decision's id to its outcome: id, time, outcome, detail, version.

        Raises:
            DecisionLogError: A line is neither a decision nor an outcome.
        """
        return {line["id"]: line for line in self._lines() if line["kind"] == _OUTCOME}

    def _add(self, line: Mapping[str, Any]) -> None:
        if not any((one["kind"], one["id"]) == (line["kind"], line["id"]) for one in self._lines()):
            append_line(self.path, json.dumps(line, ensure_ascii=False))

    def _lines(self) -> list[dict[str, Any]]:
        """Return the whole lines, without a last line that a crash cut off."""
        if not self.path.exists():
            return []
        *whole, _torn = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        return [self._parse(number, line) for number, line in enumerate(whole, start=1)]

    def _decision(self, number: int, line: Mapping[str, Any]) -> Decision:
        try:
            return Decision.from_dict({name: value for name, value in line.items() if name != "kind"})
        except (ValueError, KeyError, TypeError) as error:
            raise self._error(number, json.dumps(line), f"{type(error).__name__}: {error}") from error

    def _parse(self, number: int, line: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
            if found["kind"] == _DECISION and isinstance(found["id"], str):
                return found
            if found["kind"] == _OUTCOME and all(isinstance(found[name], str) for name in ("id", "outcome", "detail")):
                return found
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            reason = "no decision and no outcome"
        raise self._error(number, line, reason)

    def _error(self, number: int, line: str, reason: str) -> DecisionLogError:
        return DecisionLogError(
            f"{self.path}:{number}: expected one decision or outcome as a JSON object, received {line[:80]!r} "
            f"({reason}); correct the line, or move the file away and lose the history."
        )
