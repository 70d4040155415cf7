"""How differently a model treats groups of rows: each group against all other rows, with corrected intervals."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from pipelines.evaluation.bootstrap import LEVEL, RESAMPLES, Interval, draw_resamples, percentile_interval
from pipelines.task_definition.problem import BINARY, REGRESSION

_SEED = 20240504  # the same rows give the same intervals
_Rates = dict[str, tuple[np.ndarray, np.ndarray]]  # measure -> (value of each row, whether the row counts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupGap:
    """One group on one measure."""

    group: str
    rows: int
    measure: str  # for people
    value: float  # in the group
    gap: Interval  # the group's value less that of all other rows

    @property
    def is_clear(self) -> bool:
        """Tell whether chance alone hardly explains the gap, among all groups and measures together."""
        return bool(np.isfinite(self.gap.low)) and not self.gap.low <= 0 <= self.gap.high


def measure_gaps(
    problem: str,
    labels: np.ndarray,
    predictions: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    threshold: float,
    min_rows: int,
    resamples: int = RESAMPLES,
) -> list[GroupGap]:
    """Measure each group against all other rows.

    The more groups and measures, the wider each interval (Bonferroni), so that one of all the gaps is called clear by
    chance alone in one report of twenty. The resamples have to reach that far into the tails: a percentile of few
    resamples is taken from a normal law of the same spread.

    Args:
        problem: one of pipelines.task_definition.problem.PROBLEMS.
        labels: [rows].
        predictions: [rows], or [rows, classes].
        groups: name -> whether each row belongs to it, bool [rows].
        threshold: from which on two classes are decided for the second.
        min_rows: that count for a measure, in the group and outside; with fewer it is left out.
        resamples: of the bootstrap.
    """
    rates = _RATES.get(problem, _accuracy)(labels, predictions, threshold)
    found = []
    for name, inside in groups.items():
        for measure, (values, counted) in rates.items():
            ours, others = inside & counted, ~inside & counted
            if min(ours.sum(), others.sum()) >= min_rows:
                found.append((name, int(inside.sum()), measure, values, ours, others))
    if not found:
        return []
    draws = list(draw_resamples(len(labels), resamples, _SEED))
    level = 1 - (1 - LEVEL) / len(found)
    return [
        GroupGap(
            group=name,
            rows=rows,
            measure=measure,
            value=float(values[ours].mean()),
            gap=_interval(values, ours, others, draws, level),
        )
        for name, rows, measure, values, ours, others in found
    ]


def _interval(
    values: np.ndarray, ours: np.ndarray, others: np.ndarray, draws: list[np.ndarray], level: float
) -> Interval:
    value = float(values[ours].mean() - values[others].mean())
    drawn = np.concatenate(
        [_weighted_mean(values, ours, some) - _weighted_mean(values, others, some) for some in draws]
    )
    if level <= 1 - 2 / len(drawn):
        return percentile_interval(value, drawn, level)
    from scipy.stats import norm  # Imported here: it takes a while, and few reports have so many groups.

    reach = float(norm.ppf((1 + level) / 2) * np.nanstd(drawn))
    return Interval(value=value, low=value - reach, high=value + reach)


def _weighted_mean(values: np.ndarray, chosen: np.ndarray, counts: np.ndarray) -> np.ndarray:
    some = counts[:, chosen]
    total = some.sum(axis=1)
    return np.divide(some @ values[chosen], total, out=np.full(len(counts), np.nan), where=total > 0)


def _binary(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> _Rates:
    decided, positive, every = (predictions >= threshold).astype(float), labels > 0, np.ones(len(labels), bool)
    return {
        "selection rate": (decided, every),
        "true positive rate": (decided, positive),
        "false positive rate": (decided, ~positive),
        "mean prediction less mean label": (predictions.astype(np.float64) - positive, every),
    }


def _regression(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> _Rates:
    errors, every = predictions.astype(np.float64) - labels, np.ones(len(labels), bool)
    return {"mean error": (errors, every), "mean absolute error": (np.abs(errors), every)}


def _accuracy(labels: np.ndarray, predictions: np.ndarray, threshold: float) -> _Rates:
    right = (predictions.argmax(axis=1) == labels).astype(float)
    return {"accuracy": (right, np.ones(len(labels), bool))}


_RATES: dict[str, Callable[[np.ndarray, np.ndarray, float], _Rates]] = {BINARY: _binary, REGRESSION: _regression}
