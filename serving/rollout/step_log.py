"""The log of every step, as JSON lines beside models.config: who asked for what, when, from where, and how it ended.

A command writes one record when it starts to change something and one when it has ended. A start without an end is a
command that was killed. Its record holds what was before, so that `rollback` can put it back.
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
# Commands whose records are read again.
CANARY = "canary"  # tells which versions were on trial
PROMOTE = "promote"  # tells what there is to go back to
ROLLBACK = "rollback"  # is brought to its end, not put back, when it was killed
COMPARE = "compare"  # leaves its verdict as the detail
# What that detail says of a canary, after `canary N `.
WORSE = "is worse: "
UNJUDGED = "cannot be judged: "  # too few requests, or none


class StepResult(enum.StrEnum):
    """How far a step has come."""

    STARTED = "started"
    DONE = "done"
    PUT_BACK = "put back"  # it failed, and everything is as it was; but a rollback leaves the share at 0
    NOT_TOLD = "server not told"  # it failed, and a server does not know yet what to do instead


@dataclasses.dataclass(frozen=True)
class RolloutState:
    """What a roll-out changes, of one model."""

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
    after: RolloutState  # asked for
    result: StepResult
    detail: str = ""
    config_before: str | None = None  # text of models.config, where somebody may have to put it back

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read a line.

        Raises:
            ValueError, KeyError, TypeError: It is no record.
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
        """Add a record and bring it to disk before anything else happens."""
        durable_file.append_line(self.path, json.dumps(dataclasses.asdict(record), ensure_ascii=False))

    def records(self, model: str) -> list[StepRecord]:
        """The model's records, oldest first. A last line without an end was cut off by a crash, and is no record.

        Raises:
            PreconditionError: A line is no record.
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
                    f"{self.path}:{number} is no record of a roll-out: expected one JSON object a line, received "
                    f"{line[:80]!r} ({error}); mend the line, or move the file away and lose the history."
                ) from error
        return [record for record in records if record.model == model]

    def unfinished_step(self, model: str) -> StepRecord | None:
        """The last record, if its command was killed on the way or could not tell a server."""
        records = self.records(model)
        return records[-1] if records and records[-1].result in (StepResult.STARTED, StepResult.NOT_TOLD) else None

    def stable_before(self, model: str, version: int) -> int | None:
        """The version that was stable before `version` was promoted; None when no promotion of it is on record."""
        for record in reversed(self.records(model)):
            promoted = record.command == PROMOTE and record.result is StepResult.DONE
            if promoted and record.after.stable == version:
                return record.before.stable
        return None


def timestamp() -> str:
    """Return the current time as a record has it: ISO 8601, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def operator() -> str:
    """Return user and machine; the user's number where it has no name, as in many containers."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # KeyError before Python 3.13
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"
