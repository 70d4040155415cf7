"""Log every step as JSON lines next to models.config: who asked for what, when, from which state, and its result.

A command writes one record when it starts to change something, and one when it has ended. A start without an end is a
killed command. The start's record holds the state before, so that `rollback` can restore it.
"""

import dataclasses
import datetime
import enum
import getpass
import json
import os
import socket
from pathlib import Path
from typing import Any, Self

from serving import durable_file
from serving.rollout.errors import PreconditionError

NAME = "rollout.log.jsonl"
# Commands whose records are read later.
CANARY = "canary"  # names the versions on trial
PROMOTE = "promote"  # names the version to roll back to
ROLLBACK = "rollback"  # if killed, is completed instead of undone
COMPARE = "compare"  # its detail is the verdict
# Prefixes of that detail, after `canary N `.
DIFFERS = "differs: "
WORSE = "is worse: "  # in place of DIFFERS, in older logs
UNJUDGED = "cannot be judged: "  # too few requests, or none


class StepResult(enum.StrEnum):
    """The progress of a step."""

    STARTED = "started"
    DONE = "done"
    PUT_BACK = "put back"  # it failed and was undone; after a rollback the canary's share stays 0
    NOT_TOLD = "server not told"  # it failed, and a server has not received the configuration


@dataclasses.dataclass(frozen=True)
class RolloutState:
    """The part of a model's state that roll-outs change."""

    stable: int | None
    canary: int | None  # None when no version is on trial
    percent: float  # of requests to the canary, 0 to 100

    def __str__(self) -> str:
        if self.canary is None:
            return f"stable {self.stable or 'none'}"
        return f"stable {self.stable or 'none'}, canary {self.canary} at {self.percent:g}%"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One line of the log."""

    time: str  # ISO 8601, UTC
    who: str
    command: str
    model: str
    before: RolloutState
    after: RolloutState  # the requested state
    result: StepResult
    detail: str = ""
    config_before: str | None = None  # text of models.config, if it may have to be restored

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Parse a line.

        Args:
            line: JSON.

        Returns:
            The record.

        Raises:
            ValueError: The line is not JSON, or names no known result.
            KeyError: A field is missing.
            TypeError: A field is unknown.
        """
        fields: dict[str, Any] = json.loads(line)
        for name in ("before", "after"):
            fields[name] = RolloutState(**fields[name])
        fields["result"] = StepResult(fields["result"])
        return cls(**fields)


class StepLog:
    """The log in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: StepRecord) -> None:
        """Add a record, and write it to disk before anything else happens."""
        durable_file.append_line(self.path, json.dumps(dataclasses.asdict(record), ensure_ascii=False))

    def records(self, model: str) -> list[StepRecord]:
        """Return the model's records, oldest first. Skip a last line that a crash cut off.

        Args:
            model: the model's name.

        Returns:
            The records.

        Raises:
            PreconditionError: A line is not a record.
        """
        if not self.path.exists():
            return []
        *lines, _torn = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        records = []
        for number, line in enumerate(lines, start=1):
            try:
                records.append(StepRecord.from_json(line))
            except (ValueError, KeyError, TypeError) as error:
                raise PreconditionError(
                    f"{self.path}:{number} is not a record of a roll-out: expected one JSON object per line, received "
                    f"{line[:80]!r} ({error}); correct the line, or move the file away and lose the history."
                ) from error
        return [record for record in records if record.model == model]

    def unfinished_step(self, model: str) -> StepRecord | None:
        """Return the last record if its command was killed or could not tell a server; otherwise None."""
        records = self.records(model)
        return records[-1] if records and records[-1].result in (StepResult.STARTED, StepResult.NOT_TOLD) else None

    def stable_before(self, model: str, version: int) -> int | None:
        """Return the version that was stable before `version` was promoted; None if the log has no such promotion."""
        for record in reversed(self.records(model)):
            promoted = record.command == PROMOTE and record.result is StepResult.DONE
            if promoted and record.after.stable == version:
                return record.before.stable
        return None


def timestamp() -> str:
    """Return the current time in the format of records: ISO 8601, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def operator() -> str:
    """Return user and machine; the user's number if it has no name, as in many containers."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
