"""The result of one goal of a load test."""

import dataclasses
import enum


class Verdict(enum.StrEnum):
    """Whether a goal was reached."""

    REACHED = "reached"
    MISSED = "missed"
    UNCLEAR = "too noisy to tell"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure, its limit, and how it was measured."""

    name: str
    bound: str
    value: float | None  # None: every request failed
    unit: str
    verdict: Verdict
    how: str
