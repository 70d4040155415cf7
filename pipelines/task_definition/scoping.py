"""Read scoping.toml, which records what was agreed before the work on a task (docs/how-to/scoping.md).

The Evaluator checks a model against the thresholds under [[success.thresholds]]
(pipelines/evaluation/eval_config.py).
"""

import dataclasses
import math
from pathlib import Path

from pipelines.task_definition.toml_table import TableError, read_toml

_MIN_SLICE_ROWS = 1


class ScopingError(TableError):
    """A scoping.toml is incomplete, or has a value that cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """The business problem, independent of a model."""

    statement: str  # what is not known in time, and what that costs
    users: str  # who acts on a prediction
    decision: str  # what they do with a prediction, and what without one


@dataclasses.dataclass(frozen=True, kw_only=True)
class Solution:
    """One solution of the problem that was considered."""

    name: str
    idea: str  # what it is
    verdict: str  # chosen, or why it was not


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feasibility:
    """Why the problem can be solved."""

    data: str  # which data exists, and what it lacks
    baseline: str  # what a simple solution reaches, measured
    human_level: str  # what people reach, or that it is not known
    history: str  # what was tried before


@dataclasses.dataclass(frozen=True, kw_only=True)
class Value:
    """What the solution is worth, and whom it may harm."""

    benefit: str
    harm: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Threshold:
    """The bound that a metric has to reach on the eval split for the model to be blessed."""

    metric: str  # TFMA's or Keras' name of its class, such as "AUC"
    reason: str  # why this bound and no other
    slice: dict[str, str] = dataclasses.field(default_factory=dict)  # raw column -> value; empty: all rows
    at_least: float | None = None  # in the metric's own unit
    at_most: float | None = None
    change_at_least: float | None = None  # from the version pushed before, if larger is better
    change_at_most: float | None = None  # from the version pushed before, if smaller is better

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
        """The metric and the slice, such as `AUC on payment_type = Credit Card`, for messages."""
        pairs = ", ".join(f"{column} = {value}" for column, value in self.slice.items())
        return f"{self.metric} on {pairs or 'overall'}"


def _require_margin(name: str, margin: float | None) -> None:
    if margin is not None and not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"{name}: expected 0 or more, by which a model may be worse, received {margin:g}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Guard:
    """Another metric, which must not get worse by more than a margin while the deciding metric gets better."""

    metric: str  # TFMA's or Keras' name of its class, such as "AUC"
    not_worse_than: float  # the margin, in the metric's own unit
    reason: str  # why this margin and no other
    slice: dict[str, str] = dataclasses.field(default_factory=dict)  # raw column -> value; empty: all rows

    def __post_init__(self) -> None:
        _require_margin("not_worse_than", self.not_worse_than)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a model is compared with those pushed before, on the same rows of the eval split."""

    metric: str  # that decides which of two models is better, on all rows; TFMA's or Keras' name of its class
    not_worse_than: float  # margin in its own unit: how much worse than the model before a tie may be, and be pushed
    not_worse_than_best: float  # margin to the best of the last `versions`, so that small losses do not add up
    reason: str  # why these margins and no others
    versions: int = 5  # pushed models among which the best is found
    confidence: float = 0.95  # of every interval: 0.5 or more, below 1
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
    """How success is measured."""

    business: str  # what has to change in the business, and how that is measured
    thresholds: tuple[Threshold, ...]  # what a model has to reach to be pushed
    # Rows of the eval split that a slice needs. Metrics of fewer are noise: they are not shown, and meet no threshold.
    min_slice_rows: int = _MIN_SLICE_ROWS
    comparison: Comparison | None = None  # None: a model is only checked against the thresholds

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
    """The costs of wrong decisions between two classes, in a unit of the task's own."""

    false_alarm: float  # of a positive decision for a negative row
    miss: float  # of a negative decision for a positive row
    reason: str  # where the figures are from

    def __post_init__(self) -> None:
        for name in ("false_alarm", "miss"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name}: expected a number above 0, received {value}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fairness:
    """The groups that a model may treat worse, and the largest gap that is allowed."""

    columns: tuple[str, ...]  # raw columns whose values are groups
    reason: str  # why these columns
    # The largest gap between a group and all other rows, in the unit of each measure. The model is refused if a gap is
    # larger by more than chance. None: no gap refuses a model.
    max_gap: float | None = None
    measures: tuple[str, ...] = ()  # that max_gap bounds; empty: all of pipelines.evaluation.group_gaps.MEASURES
    min_rows: int = 30  # of a group; a smaller one is not shown

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns: expected at least one, received none")
        if self.max_gap is not None and not (math.isfinite(self.max_gap) and self.max_gap > 0):
            raise ValueError(f"max_gap: expected a number above 0, received {self.max_gap}")
        if self.measures and self.max_gap is None:
            raise ValueError("measures: expected max_gap, too, the bound on them, received none; add it")
        if self.min_rows < 2:
            raise ValueError(f"min_rows: expected 2 or more, received {self.min_rows}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Milestone:
    """A step of the work after which it may be stopped."""

    name: str
    done_when: str  # how to check that it is done


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budget:
    """What the solution may cost."""

    work: str
    machines: str  # to train
    serving: str  # to serve predictions


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scoping:
    """The content of scoping.toml."""

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

    Returns:
        Its content.

    Raises:
        ScopingError: It is not TOML, a key is missing or unknown, or a value cannot be used.
    """
    try:
        return read_toml(path, Scoping)
    except TableError as error:
        raise ScopingError(str(error)) from error
