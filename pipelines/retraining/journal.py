"""How far the loop has come: one small file, written whole after each step, so that a killed loop goes on there."""

import dataclasses
import datetime
import enum
import json
from pathlib import Path
from typing import Any, Self

from pipelines.retraining.decision import Decision
from serving.durable_file import write_whole

FORMAT = 1
JOURNAL_FILE = "journal.json"


class JournalError(RuntimeError):
    """The journal cannot be understood."""


class Step(enum.StrEnum):
    """The steps, in their order; each says what the next call begins with."""

    INGEST = "ingest"
    MONITOR = "monitor"
    MEASURE = "measure"
    DECIDE = "decide"
    RECORD = "record"  # the decision, in the log of decisions
    PIN = "pin"  # the version that answers
    TRAIN = "train"  # and, past the gates, push
    CANARY = "canary"
    COMPARE = "compare"
    TRIAL = "trial"  # waits for the trial's end, and compares again
    AWAIT = "await"  # waits for a person
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    FINISH = "finish"  # the outcome, in the log of decisions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Journal:
    """One pass of the loop that is not at its end."""

    id: str  # of the pass, and of its decision
    step: Step
    failed_looks: dict[str, str] = dataclasses.field(default_factory=dict)  # step -> why it has no result
    decision: Decision | None = None  # from DECIDE on
    pushed_before: tuple[str, ...] = ()  # versions that were there when it was decided
    version: str | None = None  # that was pushed, from TRAIN on
    outcome: str | None = None  # in one word, once it is known
    detail: str = ""  # the outcome in a sentence
    attempts: int = 0  # at this step, that failed
    not_before: datetime.datetime | None = None  # when the step is due, UTC

    def to_json(self) -> str:
        """The file's text."""
        plain = dataclasses.asdict(self) | {
            "format": FORMAT,
            "decision": self.decision and self.decision.as_dict(),
            "not_before": self.not_before and self.not_before.isoformat(),
        }
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the file's text.

        Raises:
            ValueError, KeyError, TypeError: It is no journal of this format.
        """
        plain: dict[str, Any] = json.loads(text)
        if not isinstance(plain, dict):
            raise TypeError(f"expected an object, received {text.strip()[:80]}")
        if (received := plain.pop("format")) != FORMAT:
            raise ValueError(f"expected format {FORMAT}, received {received}")
        not_before = plain["not_before"]
        return cls(
            **plain
            | {
                "step": Step(plain["step"]),
                "pushed_before": tuple(plain["pushed_before"]),
                "decision": Decision.from_dict(plain["decision"]) if plain["decision"] else None,
                "not_before": not_before and datetime.datetime.fromisoformat(not_before),
            }
        )


class JournalStore:
    """The journal in the loop's folder."""

    def __init__(self, folder: Path):
        self.path = folder / JOURNAL_FILE

    def read(self) -> Journal | None:
        """Reads the journal; None when no pass is under way.

        Raises:
            JournalError: It cannot be understood.
        """
        try:
            return Journal.from_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(
                f"{self.path} is no journal: expected what a loop of this project wrote, received something else "
                f"({error}); see in decisions.jsonl beside it what was decided, and move the file away."
            ) from error

    def write(self, journal: Journal) -> None:
        """Replaces the journal."""
        write_whole(self.path, journal.to_json())

    def clear(self) -> None:
        """Says that no pass is under way."""
        self.path.unlink(missing_ok=True)
