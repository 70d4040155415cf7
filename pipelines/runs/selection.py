"""Select and sort runs. It loads neither TFX nor TensorFlow."""

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
}  # in addition to metrics


class ConditionError(ValueError):
    """A condition or an order is invalid, or names a number that no run has."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Condition:
    """A bound on a metric over all eval rows, or on the seconds or rows of a run. A run without the value fails it."""

    name: str
    sign: str  # one of >=, <=, >, <, =
    bound: float

    def meets(self, run: Run) -> bool:
        """Tell whether a run meets the condition."""
        value = _read_number(run, self.name)
        return value is not None and _OPERATORS[self.sign](value, self.bound)


def parse_condition(text: str) -> Condition:
    """Parse a condition, such as `auc > 0.95`.

    Returns:
        The condition.

    Raises:
        ConditionError: The text is not a condition.

    Example:
        >>> parse_condition("auc > 0.95")
        Condition(name='auc', sign='>', bound=0.95)
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
        runs: the runs to select from.
        conditions: bounds that a run has to meet.
        status: as `Run.status`; None: any.
        experiment: name of the experiment; None: any run.
        tag: a tag that a run has to have; None: any run.
        pushed: whether the run's model has to be pushed.

    Returns:
        The selected runs.

    Raises:
        ConditionError: No run has the number that a condition names.
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
    """Sort runs, the best last; runs without the value come first.

    Args:
        runs: the runs, the newest last.
        by: a metric over all eval rows; or started, seconds or rows. The largest value is last, except for a metric
            whose smaller values are better.

    Returns:
        The sorted runs.

    Raises:
        ConditionError: No run has such a value.
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
