"""The client's records: the gateway's answers, and outcomes."""

import dataclasses
from typing import Self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """Fields of an answer for one row, for all kinds of tasks."""

    model_version: str
    model_label: str | None  # label that selected the version, such as stable or canary; None without labels
    request_id: str  # identifies the request in the gateway's logs
    row: int = 0  # the row of the request, from 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prediction(Answer):
    """The answer of a binary task."""

    probability: float  # 0 to 1
    decision: bool  # whether the probability reaches the gateway's threshold


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassProbability:
    """The probability of one class."""

    name: int | float | str  # a value of the contract's label
    probability: float  # 0 to 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassPrediction(Answer):
    """The answer of a multiclass task."""

    decision: int | float | str  # the most probable class
    probabilities: tuple[ClassProbability, ...]  # the most probable first; all classes, or as many as requested


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValueInterval:
    """The interval that holds the true value in a share of cases."""

    low: float
    high: float
    level: float  # the share, 0 to 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class ValuePrediction(Answer):
    """The answer of a regression."""

    value: float
    unit: str | None  # None if the contract names none
    interval: ValueInterval | None  # None if the model version has none


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of one row."""

    request_id: str  # of its prediction
    outcome: int | float | str  # a value of the contract's label
    row: int = 0  # the row of the request, from 0

    @classmethod
    def of(cls, prediction: Answer, outcome: int | float | str) -> Self:
        """Return the outcome of a predicted row."""
        return cls(request_id=prediction.request_id, row=prediction.row, outcome=outcome)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RefusedOutcome:
    """Why an outcome was not stored."""

    position: int  # in the list that was sent, from 0
    code: str  # for programs, such as duplicate_outcome
    detail: str  # for people


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feedback:
    """The result of outcomes that were sent together."""

    stored: int
    refused: tuple[RefusedOutcome, ...]
