"""Compare how two versions answer the same requests, and judge the figures."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import Self

from serving.rollout.admin_client import TimedPrediction
from serving.rollout.options import VerdictLimits

ROWS = "rows"  # the check whether there are enough rows to judge


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
    changed_decisions: float  # share of the rows, 0 to 1
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

    @property
    def passed(self) -> bool:
        """Return whether the figure is within its limit."""
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    def __str__(self) -> str:
        bound = "at least" if self.at_least else "at most"
        return f"{self.name} {self.found:.4g}, {bound} {self.limit:.4g}"


def figures(pairs: Sequence[PredictionPair], threshold: float) -> ComparisonFigures:
    """Compute the figures of all pairs.

    Args:
        pairs: one per request, from `PredictionPair.of`.
        threshold: a single output is a positive decision from this on; of several outputs, the largest decides.

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
    changed = [decision(stable, threshold) != decision(canary, threshold) for stable, canary in rows]
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
        changed_decisions=statistics.fmean(changed) if changed else 0.0,
        stable_p50_ms=percentile(stable_ms, 50),
        stable_p95_ms=percentile(stable_ms, 95),
        canary_p50_ms=percentile(canary_ms, 50),
        canary_p95_ms=percentile(canary_ms, 95),
    )


def verdict(found: ComparisonFigures, limits: VerdictLimits) -> list[VerdictCheck]:
    """Compare the figures with the limits; the canary is as good as stable when all checks pass."""
    return [
        VerdictCheck(name=ROWS, found=found.rows, limit=limits.min_rows, at_least=True),
        VerdictCheck(name="failed requests", found=found.canary_errors, limit=found.stable_errors + limits.more_errors),
        VerdictCheck(name="mean difference", found=found.mean_difference, limit=limits.mean_difference),
        VerdictCheck(name="p95 difference", found=found.p95_difference, limit=limits.p95_difference),
        VerdictCheck(name="largest difference", found=found.max_difference, limit=limits.max_difference),
        VerdictCheck(name="changed decisions", found=found.changed_decisions, limit=limits.changed_decisions),
        VerdictCheck(
            name="p95 latency in ms",
            found=found.canary_p95_ms,
            limit=found.stable_p95_ms * limits.latency_factor + limits.latency_ms,
        ),
    ]


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
