"""What a gateway answers, and what it is told, as records."""

import dataclasses
from typing import Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What the answers for a row have in common, whatever the kind of task."""

    model_version: str
    model_label: str | None  # by which the version was chosen, such as stable or canary; None without labels
    request_id: str  # by which the gateway's logs know the request
    row: int = 0  # which row of the request it is the answer to, from 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction(Answer):
    """The answer of a binary task."""

    probability: float  # 0 to 1
    decision: bool  # whether the probability is at least the gateway's threshold


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassProbability:
    """The probability of one class."""

    name: int | float | str  # as the contract's label says it
    probability: float  # 0 to 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassPrediction(Answer):
    """The answer of a task of several classes."""

    decision: int | float | str  # the most probable class
    probabilities: tuple[ClassProbability, ...]  # the most probable first; all classes, or as many as were asked for


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueInterval:
    """Where the value lies in a share of cases."""

    low: float
    high: float
    level: float  # the share, 0 to 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValuePrediction(Answer):
    """The answer of a regression."""

    value: float
    unit: str | None  # None where the contract names none
    interval: ValueInterval | None  # None where the version of the model was pushed without one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one row."""

    request_id: str  # of its prediction
    outcome: int | float | str  # as the contract's label says it
    row: int = 0  # which row of the request, from 0

    @classmethod
    def of(cls, prediction: Answer, outcome: int | float | str) -> Self:
        """What became of a predicted row."""
        return cls(request_id=prediction.request_id, row=prediction.row, outcome=outcome)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefusedOutcome:
    """Why an outcome was not stored."""

    position: int  # which of those that were sent, from 0
    code: str  # for programs, such as duplicate_outcome
    detail: str  # for people


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feedback:
    """What became of outcomes that were sent."""

    stored: int
    refused: tuple[RefusedOutcome, ...]
