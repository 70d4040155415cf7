"""What can be said of an outcome that somebody tells: that it is stored, or why it is not."""

import dataclasses
import enum
from collections.abc import Sequence

from serving.contract import Value


class Refusal(enum.Enum):
    """Why an outcome is not stored; the value is the code in answers, reports and metrics."""

    INVALID = "invalid_outcome"  # not as the contract's label says; the gateway refuses the whole request then
    UNKNOWN_REQUEST = "unknown_request"
    UNKNOWN_ROW = "unknown_row"
    UNANSWERED = "unanswered_request"
    AMBIGUOUS = "ambiguous_request"
    OTHER_CALLER = "other_caller"
    TOO_LATE = "too_late"
    DUPLICATE = "duplicate_outcome"
    CONTRADICTORY = "contradictory_outcome"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row."""

    request_id: str  # as the answer has it
    row: int  # which row of the request, from 0
    value: Value  # of the contract's label


@dataclasses.dataclass(frozen=True, kw_only=True)
class Caller:
    """Who tells an outcome."""

    digest: str | None  # as caller_digest gives it; None where the gateway wants no key
    trusted: bool = False  # may tell the outcome of anybody's request


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefusedOutcome:
    """An outcome that is not stored."""

    position: int  # in what was sent, from 0
    refusal: Refusal
    field: str  # request_id, row or outcome
    expected: str
    received: str

    @property
    def detail(self) -> str:
        """What is wrong, in words."""
        return f"{self.field}: expected {self.expected}, received {self.received}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the outcomes that were sent together."""

    stored: int
    refused: Sequence[RefusedOutcome]
