"""Store the state of a pass in a small file after each step, so that a killed loop continues from there."""

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
    """The file is no journal of this format."""


class Step(enum.StrEnum):
    """The steps of a pass, in order."""

    INGEST = "ingest"
    MONITOR = "monitor"
    MEASURE = "measure"
    DECIDE = "decide"
    RECORD = "record"  # append the decision to the log
    PIN = "pin"  # pin the version that answers requests
    TRAIN = "train"  # train, and push if the gates pass
    CANARY = "canary"
    COMPARE = "compare"
    TRIAL = "trial"  # wait for the trial's end, and compare again
    AWAIT = "await"  # wait for a person
    PROMOTE = "promote"
    ROLL_BACK = "roll back"
    FINISH = "finish"  # append the outcome to the log


@dataclasses.dataclass(frozen=True, kw_only=True)
class Journal:
    """The state of a pass of the loop that has not ended."""

    id: str  # of the pass, and of its decision
    step: Step  # with which the next call begins
    failed_looks: dict[str, str] = dataclasses.field(default_factory=dict)  # step -> why it has no result
    decision: Decision | None = None  # from DECIDE on
    pushed_before: tuple[str, ...] = ()  # versions that were pushed before the decision
    version: str | None = None  # pushed by this pass, from TRAIN on
    outcome: str | None = None  # in one word, once it is known
    detail: str = ""  # the outcome in a sentence
    attempts: int = 0  # failed attempts at this step
    not_before: datetime.datetime | None = None  # when the step is due, UTC

    def to_json(self) -> str:
        """Return the file's text."""
        plain = dataclasses.asdict(self) | {
            "format": FORMAT,
            "decision": self.decision and self.decision.as_dict(),
            "not_before": self.not_before and self.not_before.isoformat(),
        }
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the file's text.

        Args:
            text: which `to_json` returned.

        Returns:
            The journal.

        Raises:
            ValueError: The text is no JSON, or has another format.
            KeyError: A field is missing.
            TypeError: The text is no object, or a field is unknown.
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
        """Return the journal, or None if no pass is under way.

        Raises:
            JournalError: The file is no journal of this format.
        """
        try:
            return Journal.from_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise JournalError(
                f"{self.path} is no journal: expected a file that this project's loop wrote, received another "
                f"({error}); decisions.jsonl in the same folder says what was decided; move the journal away."
            ) from error

    def write(self, journal: Journal) -> None:
        """Replace the journal."""
        write_whole(self.path, journal.to_json())

    def clear(self) -> None:
        """Remove the journal: no pass is under way."""
        self.path.unlink(missing_ok=True)
