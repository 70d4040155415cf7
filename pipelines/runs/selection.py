"""Chooses and sorts runs, for lists of many. Loads neither TFX nor TensorFlow."""

import dataclasses
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence

from pipelines.evaluation.slices import OVERALL
from pipelines.evaluation.weighted_metrics import SMALLER_IS_BETTER
from pipelines.runs.run import Run
from serving.did_you_mean import closest

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_CONDITION = re.compile(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*(\S+)\s*")
_STARTED, _SECONDS, _ROWS = "started", "seconds", "rows"
_NUMBERS: dict[str, Callable[[Run], float]] = {
    _SECONDS: lambda run: float(run.summary["seconds"]),
    _ROWS: lambda run: float(sum(run.summary["rows"].values())),
}  # beside metrics


class ConditionError(ValueError):
    """A condition or an order that cannot be understood."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Condition:
    """A bound on a metric over all eval rows, or on the seconds or rows of a run; a run without it does not meet it."""

    name: str
    sign: str  # one of >=, <=, >, <, =
    bound: float

    def meets(self, run: Run) -> bool:
        """Tell whether a run meets the condition."""
        value = _read_number(run, self.name)
        return value is not None and _OPERATORS[self.sign](value, self.bound)


def parse_condition(text: str) -> Condition:
    """Parse `auc > 0.95` and its like.

    Raises:
        ConditionError: It is none.
    """
    found = _CONDITION.fullmatch(text)
    try:
        bound = float(found[3]) if found else math.nan
    except ValueError:
        bound = math.nan
    if found is None or math.isnan(bound):
        raise ConditionError(
            f"expected a metric, one of {', '.join(_OPERATORS)}, and a number, such as 'auc > 0.95'; received {text!r}"
        )
    return Condition(name=found[1], sign=found[2], bound=bound)


def select_runs(
    runs: Iterable[Run],
    *,
    conditions: Sequence[Condition] = (),
    status: str | None = None,
    experiment: str | None = None,
    tag: str | None = None,
    pushed: bool = False,
) -> list[Run]:
    """Select the runs that meet every condition, in their order.

    Args:
        runs: to choose from.
        conditions: bounds.
        status: as `Run.status`; None: any.
        experiment: the name of the one that they belong to; None: any.
        tag: that they have; None: any.
        pushed: whether a version has to hold their model.

    Raises:
        ConditionError: No run has a number of the name that a condition has.
    """
    found = list(runs)
    for condition in conditions:
        _require_known(found, condition.name)
    return [
        run
        for run in found
        if all(condition.meets(run) for condition in conditions)
        and status in (None, run.status)
        and experiment in (None, run.experiment)
        and (tag is None or tag in run.tags)
        and (run.version is not None or not pushed)
    ]


def sort_runs(runs: Sequence[Run], by: str) -> list[Run]:
    """Sort runs, the best last, as the newest is in a list by time; those without the value come first.

    Args:
        runs: the newest last.
        by: a metric over all eval rows; or started, seconds or rows, the most last. So is a metric of which nobody
            knows whether more or less is better.

    Raises:
        ConditionError: No run has it.
    """
    if by == _STARTED:
        return list(runs)
    _require_known(runs, by)
    sign = -1.0 if by in SMALLER_IS_BETTER else 1.0

    def key(run: Run) -> tuple[bool, float]:
        value = _read_number(run, by)
        return (False, 0.0) if value is None else (True, sign * value)

    return sorted(runs, key=key)


def _read_number(run: Run, name: str) -> float | None:
    if name in _NUMBERS:
        return _NUMBERS[name](run)
    value = run.summary["metrics"].get(OVERALL, {}).get(name)
    return None if value is None or math.isnan(value) else float(value)


def _require_known(runs: Iterable[Run], name: str) -> None:
    metrics = {metric for run in runs for metric in run.summary["metrics"].get(OVERALL, {})}
    known = [*sorted(metrics), _STARTED, *_NUMBERS]
    if name not in known:
        close = closest(name, known)
        hint = f"did you mean {close}?" if close else f"expected one of {', '.join(known)}"
        raise ConditionError(f"no run has {name!r}: {hint}")
