"""Every decision and every outcome, one JSON object a line; lines are only added."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.retraining.decision import Decision
from serving.durable_file import append_line

LOG_FILE = "decisions.jsonl"
FAILED = "failed"  # the outcome of a decision whose training or trial could not be brought to its end
_DECISION, _OUTCOME = "decision", "outcome"  # kinds of lines


class DecisionLogError(RuntimeError):
    """A line of the log cannot be understood."""


class DecisionLog:
    """The log in the loop's folder."""

    def __init__(self, folder: Path):
        self.path = folder / LOG_FILE

    def record_decision(self, decision: Decision) -> None:
        """Adds a decision, unless it stands there already."""
        self._add({"kind": _DECISION, **decision.as_dict()})

    def record_outcome(self, id: str, outcome: str, detail: str, version: str | None, time: datetime.datetime) -> None:
        """Adds what became of a decision, unless it stands there already.

        Args:
            id: of the decision.
            outcome: in one word.
            detail: in a sentence.
            version: that was pushed.
            time: now, UTC.
        """
        moment = time.isoformat(timespec="seconds")
        self._add(
            {"kind": _OUTCOME, "id": id, "time": moment, "outcome": outcome, "detail": detail, "version": version}
        )

    def decisions(self) -> Sequence[Decision]:
        """Lists the decisions, oldest first.

        Raises:
            DecisionLogError: A line is none of such a log.
        """
        return [
            self._decision(number, line)
            for number, line in enumerate(self._lines(), start=1)
            if line["kind"] == _DECISION
        ]

    def outcomes(self) -> Mapping[str, Mapping[str, Any]]:
        """Maps a decision's id to its outcome: id, time, outcome, detail, version.

        Raises:
            DecisionLogError: A line is none of such a log.
        """
        return {line["id"]: line for line in self._lines() if line["kind"] == _OUTCOME}

    def _add(self, line: Mapping[str, Any]) -> None:
        if not any((one["kind"], one["id"]) == (line["kind"], line["id"]) for one in self._lines()):
            append_line(self.path, json.dumps(line, ensure_ascii=False))

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines; what stands after the last line end was cut off by a crash."""
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
            f"({reason}); mend the line, or move the file away and lose the history."
        )
