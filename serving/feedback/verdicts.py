"""The verdicts on an outcome: that it is stored, or why it is refused."""

import dataclasses
import enum
from collections.abc import Sequence

from serving.contract import Value


class Refusal(enum.Enum):
    """Why an outcome is refused; the value is the code in answers, reports and metrics."""

    INVALID = "invalid_outcome"  # not a value of the contract's label; the gateway then refuses the whole request
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
    """The outcome of one row."""

    request_id: str  # as in the answer
    row: int  # the row of the request, from 0
    value: Value  # of the contract's label


@dataclasses.dataclass(frozen=True, kw_only=True)
class Caller:
    """The sender of an outcome."""

    digest: str | None  # as returned by caller_digest; None if the gateway needs no key
    trusted: bool = False  # may report outcomes of all requests


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefusedOutcome:
    """An outcome that is not stored."""

    position: int  # in the batch, from 0
    refusal: Refusal
    field: str  # request_id, row or outcome
    expected: str
    received: str

    @property
    def detail(self) -> str:
        """Return the fault in words."""
        return f"{self.field}: expected {self.expected}, received {self.received}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result of outcomes that were sent together."""

    stored: int
    refused: Sequence[RefusedOutcome]
