"""Compare how two versions answer the same requests, and judge the figures."""

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Self

from serving.rollout.admin_client import TimedPrediction
from serving.rollout.options import EVEN, VerdictLimits

ROWS = "rows"  # the check whether there are enough rows to judge
# Limits that no option sets: of probabilities, and of other numbers in standard deviations of the stable version's
# predictions. Both are the same for probabilities whose standard deviation is 0.25.
_MEAN, _P95, _LARGEST = 0.05, 0.2, 1.0
_MEAN_DEVIATIONS, _P95_DEVIATIONS = 0.2, 0.8


@dataclasses.dataclass(frozen=True, kw_only=True)
class PredictionPair:
    """The answers of the two versions to one request; a string is an error."""

    stable: TimedPrediction | str
    canary: TimedPrediction | str

    @classmethod
    def of(cls, stable: TimedPrediction | str, canary: TimedPrediction | str) -> Self:
        """Pair two answers; a canary's answer with other outputs than the stable version's is an error."""
        if (
            isinstance(stable, TimedPrediction)
            and isinstance(canary, TimedPrediction)
            and _widths(stable) != _widths(canary)
        ):
            canary = (
                f"expected {_listed(stable)} outputs per row, as the stable version returns; received {_listed(canary)}"
            )
        return cls(stable=stable, canary=canary)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparisonFigures:
    """The figures of all pairs.

    The difference of two predictions for the same row is that of the output that differs most. Differences and
    latencies cover only requests that both versions answered; latencies are milliseconds from request to answer.
    """

    requests: int
    rows: int  # answered by both
    stable_errors: int  # requests
    canary_errors: int
    mean_difference: float
    p95_difference: float
    max_difference: float
    changed_decisions: float | None  # share of the rows, 0 to 1; None: the predictions decide nothing
    # Standard deviation of the stable version's predictions, of the output with the largest; None: its predictions are
    # all from 0 to 1, as probabilities are.
    deviation: float | None
    stable_p50_ms: float
    stable_p95_ms: float
    canary_p50_ms: float
    canary_p95_ms: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class VerdictCheck:
    """One figure of the verdict, and its limit."""

    name: str
    found: float
    limit: float
    at_least: bool = False  # otherwise at most
    word: str = "differs"  # the finding when the check fails

    @property
    def passed(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        limit = "no limit" if math.isinf(self.limit) else f"{bound} {self.limit:.4g}"
        return f"{self.name} {self.found:.4g}, {limit}"


def figures(pairs: Sequence[PredictionPair], threshold: float | None) -> ComparisonFigures:
    """Compute the figures of all pairs.

    Args:
        pairs: one per request, from `PredictionPair.of`.
        threshold: a single output is a positive decision from this on; of several outputs, the largest decides. None:
            0.5 if all predictions of the stable version are from 0 to 1; otherwise a single output decides nothing.

    Returns:
        The figures.
    """
    both = [
        (pair.stable, pair.canary)
        for pair in pairs
        if isinstance(pair.stable, TimedPrediction) and isinstance(pair.canary, TimedPrediction)
    ]
    rows = [row for stable, canary in both for row in zip(stable.predictions, canary.predictions, strict=True)]
    differences = [max(abs(one - other) for one, other in zip(*row, strict=True)) for row in rows]
    deviation = _deviation([stable for stable, _ in rows])
    decided = threshold is not None or deviation is None or len(rows[0][0]) > 1
    least = EVEN if threshold is None else threshold
    changed = [decision(stable, least) != decision(canary, least) for stable, canary in rows] if decided else []
    stable_ms = [stable.seconds * 1000 for stable, _ in both]
    canary_ms = [canary.seconds * 1000 for _, canary in both]
    return ComparisonFigures(
        requests=len(pairs),
        rows=len(rows),
        stable_errors=sum(isinstance(pair.stable, str) for pair in pairs),
        canary_errors=sum(isinstance(pair.canary, str) for pair in pairs),
        mean_difference=statistics.fmean(differences) if differences else 0.0,
        p95_difference=percentile(differences, 95),
        max_difference=max(differences, default=0.0),
        changed_decisions=(statistics.fmean(changed) if changed else 0.0) if decided else None,
        deviation=deviation,
        stable_p50_ms=percentile(stable_ms, 50),
        stable_p95_ms=percentile(stable_ms, 95),
        canary_p50_ms=percentile(canary_ms, 50),
        canary_p95_ms=percentile(canary_ms, 95),
    )


def verdict(found: ComparisonFigures, limits: VerdictLimits) -> list[VerdictCheck]:
    """Compare the figures with the limits; the canary answers as the stable version does when all checks pass.

    Limits of differences that are not set depend on the predictions of the stable version. If all are from 0 to 1, as
    probabilities are, the limits are 0.05 of the mean difference, 0.2 of the 95th percentile and 1 of the largest.
    Otherwise they are 0.2 and 0.8 standard deviations of these predictions, and the largest difference has no limit.

    Args:
        found: the figures.
        limits: the limits that are set.

    Returns:
        One check for each figure; no check of decisions if there are none.
    """
    if found.deviation is None:
        mean, p95, largest = _MEAN, _P95, _LARGEST
    else:
        mean, p95, largest = found.deviation * _MEAN_DEVIATIONS, found.deviation * _P95_DEVIATIONS, math.inf
    checks = [
        VerdictCheck(name=ROWS, found=found.rows, limit=limits.min_rows, at_least=True, word="too few"),
        VerdictCheck(
            name="failed requests",
            found=found.canary_errors,
            limit=found.stable_errors + limits.more_errors,
            word="fails",
        ),
        VerdictCheck(name="mean difference", found=found.mean_difference, limit=_set(limits.mean_difference, mean)),
        VerdictCheck(name="p95 difference", found=found.p95_difference, limit=_set(limits.p95_difference, p95)),
        VerdictCheck(name="largest difference", found=found.max_difference, limit=_set(limits.max_difference, largest)),
        VerdictCheck(
            name="p95 latency in ms",
            found=found.canary_p95_ms,
            limit=found.stable_p95_ms * limits.latency_factor + limits.latency_ms,
            word="slower",
        ),
    ]
    if found.changed_decisions is not None:
        changed = VerdictCheck(name="changed decisions", found=found.changed_decisions, limit=limits.changed_decisions)
        checks.insert(-1, changed)
    return checks


def _set(limit: float | None, default: float) -> float:
    return default if limit is None else limit


def _deviation(predictions: Sequence[Sequence[float]]) -> float | None:
    """Return the largest standard deviation of an output; None if all predictions are from 0 to 1."""
    if all(0 <= number <= 1 for row in predictions for number in row):
        return None
    return max(map(statistics.pstdev, zip(*predictions, strict=True)))


def decision(outputs: Sequence[float], threshold: float) -> int:
    """Return 0 or 1 for a single output, and the index of the largest of several."""
    if len(outputs) == 1:
        return int(outputs[0] >= threshold)
    return max(range(len(outputs)), key=outputs.__getitem__)


def _widths(answer: TimedPrediction) -> list[int]:
    return [len(row) for row in answer.predictions]


def _listed(answer: TimedPrediction) -> str:
    return ", ".join(map(str, sorted(set(_widths(answer)))))


def percentile(numbers: Sequence[float], percent: int) -> float:
    """Return a percentile, interpolated linearly as numpy does by default; 0 without numbers.

    Args:
        numbers: in any order.
        percent: 1 to 99.

    Returns:
        The percentile.

    Example:
        >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
        2.5
    """
    if len(numbers) < 2:
        return next(iter(numbers), 0.0)
    return statistics.quantiles(numbers, n=100, method="inclusive")[percent - 1]
