"""Reads scoping.toml, the agreement before the work on a task, as records (docs/how-to/scoping.md).

The thresholds under [[success.thresholds]] are what the Evaluator holds a model against
(pipelines/evaluation/eval_config.py), so what was agreed is what gates.
"""

import dataclasses
import math
from pathlib import Path

from pipelines.task_definition.toml_table import TableError, read_toml

_MIN_SLICE_ROWS = 1


class ScopingError(TableError):
    """A scoping file is incomplete, or says what cannot be held a model against."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """The business problem, before any model."""

    statement: str  # what is not known in time, and what that costs
    users: str  # who acts on a prediction
    decision: str  # what they do with it, and what they do without it


@dataclasses.dataclass(frozen=True, kw_only=True)
class Solution:
    """One way to solve it that was considered."""

    name: str
    idea: str  # what it is
    verdict: str  # chosen, or why not


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feasibility:
    """Why it can be done."""

    data: str  # what there is, what it lacks
    baseline: str  # what little effort reaches, measured
    human_level: str  # what people reach at it, or that nobody knows
    history: str  # what was tried before


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """What it is worth, and to whom it may do harm."""

    benefit: str
    harm: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """What a metric has to reach on the eval split to bless a model."""

    metric: str  # TFMA's or Keras' name of its class, such as "AUC"
    reason: str  # why this bound and no other
    slice: dict[str, str] = dataclasses.field(default_factory=dict)  # raw column -> value; none: all rows
    at_least: float | None = None  # in the metric's own unit
    at_most: float | None = None
    change_at_least: float | None = None  # against the version pushed before, where larger is better
    change_at_most: float | None = None  # likewise, where smaller is better

    def __post_init__(self) -> None:
        bounds = {name: getattr(self, name) for name in ("at_least", "at_most", "change_at_least", "change_at_most")}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        if not given:
            raise ValueError(f"expected a bound ({', '.join(bounds)}), received none")
        for name, bound in given.items():
            if not math.isfinite(bound):
                raise ValueError(f"{name}: expected a finite number, received {bound}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"expected at_least below at_most, received {self.at_least:g} and {self.at_most:g}")
        if self.change_at_least is not None and self.change_at_most is not None:
            raise ValueError(
                "expected change_at_least (larger is better) or change_at_most (smaller is better), received both"
            )

    @property
    def where(self) -> str:
        """`AUC on payment_type = Credit Card`, for messages."""
        pairs = ", ".join(f"{column} = {value}" for column, value in self.slice.items())
        return f"{self.metric} on {pairs or 'overall'}"


def _require_margin(name: str, margin: float | None) -> None:
    if margin is not None and not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"{name}: expected 0 or more, how much worse is still good enough, received {margin:g}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guard:
    """Another metric that must not get worse while the deciding one gets better."""

    metric: str  # TFMA's or Keras' name of its class, such as "AUC"
    not_worse_than: float  # in the metric's own unit: how much worse is still good enough
    reason: str  # why this margin and no other
    slice: dict[str, str] = dataclasses.field(default_factory=dict)  # raw column -> value; none: all rows

    def __post_init__(self) -> None:
        _require_margin("not_worse_than", self.not_worse_than)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a model has to be against those pushed before, on the same rows of the eval split."""

    metric: str  # that decides which of two models is better, on all rows; TFMA's or Keras' name of its class
    not_worse_than: float  # in its own unit: how much worse a tie may be than the model before, and still be pushed
    not_worse_than_best: float  # likewise, than the best of the last `versions`: what keeps small steps from adding up
    reason: str  # why these margins and no others
    versions: int = 5  # pushed ones that are looked at for the best
    confidence: float = 0.95  # of every interval, between 0.5 and 1
    others: tuple[Guard, ...] = ()

    def __post_init__(self) -> None:
        _require_margin("not_worse_than", self.not_worse_than)
        _require_margin("not_worse_than_best", self.not_worse_than_best)
        if self.not_worse_than_best < self.not_worse_than:
            raise ValueError(
                f"not_worse_than_best: expected not_worse_than ({self.not_worse_than:g}) or more, received "
                f"{self.not_worse_than_best:g}: the model before may be the best"
            )
        if not 1 <= self.versions <= 50:
            raise ValueError(f"versions: expected 1 to 50, received {self.versions}")
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence: expected 0.5 or more, and below 1, received {self.confidence:g}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Success:
    """How one will know that it worked."""

    business: str  # what has to change in the business, and how that is measured
    thresholds: tuple[Threshold, ...]  # what a model has to reach before anybody sees it
    # Rows of the eval split that a slice needs: below that its metrics are noise, none are shown, none can bless.
    min_slice_rows: int = _MIN_SLICE_ROWS
    comparison: Comparison | None = None  # None: a model is held against the thresholds alone

    def __post_init__(self) -> None:
        if not self.thresholds:
            raise ValueError("expected at least one threshold, received none: no model could be blessed")
        if self.min_slice_rows < 1:
            raise ValueError(f"min_slice_rows: expected 1 or more, received {self.min_slice_rows}")
        seen: set[str] = set()
        for threshold in self.thresholds:
            if threshold.where in seen:
                raise ValueError(f"thresholds: expected one for {threshold.where}, received two; put them into one")
            seen.add(threshold.where)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """What a wrong decision costs, where a task decides between two classes; the unit is the task's own."""

    false_alarm: float  # of a row that is decided for, and should not be
    miss: float  # of a row that is not decided for, and should be
    reason: str  # where the figures are from

    def __post_init__(self) -> None:
        for name in ("false_alarm", "miss"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a number above 0, received {value}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fairness:
    """Whom the model may treat worse, and what of it is looked at."""

    columns: tuple[str, ...]  # raw columns whose values are groups
    reason: str  # why these
    # Between a group and all other rows, in the unit of each measure; a clear one above it refuses. None: not agreed.
    max_gap: float | None = None
    measures: tuple[str, ...] = ()  # that max_gap holds for; none: each of pipelines.evaluation.group_gaps.MEASURES
    min_rows: int = 30  # of a group; with fewer it is not shown

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns: expected at least one, received none")
        if self.max_gap is not None and not (math.isfinite(self.max_gap) and self.max_gap > 0):
            raise ValueError(f"max_gap: expected a number above 0, received {self.max_gap}")
        if self.measures and self.max_gap is None:
            raise ValueError("measures: expected max_gap beside them, which they are held against; received none")
        if self.min_rows < 2:
            raise ValueError(f"min_rows: expected 2 or more, received {self.min_rows}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Milestone:
    """A step after which one may stop."""

    name: str
    done_when: str  # what anybody can check


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budget:
    """What it may cost."""

    work: str
    machines: str  # to train
    serving: str  # to answer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scoping:
    """The whole file."""

    problem: Problem
    solutions: tuple[Solution, ...]
    feasibility: Feasibility
    value: Value
    success: Success
    milestones: tuple[Milestone, ...]
    budget: Budget
    costs: Costs | None = None
    fairness: Fairness | None = None

    def __post_init__(self) -> None:
        for name in ("solutions", "milestones"):
            if not getattr(self, name):
                raise ValueError(f"expected at least one of {name}, received none")


def read_scoping(path: Path) -> Scoping:
    """Read a task's scoping.toml.

    Raises:
        ScopingError: It is no TOML, a key is missing or unknown, or a value cannot be used.
    """
    try:
        return read_toml(path, Scoping)
    except TableError as error:
        raise ScopingError(str(error)) from error
