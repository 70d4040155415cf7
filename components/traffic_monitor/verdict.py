"""Decide on a window, and describe the findings."""

import math
from collections.abc import Sequence
from typing import Any

from scipy import stats

from components.traffic_monitor.comparison import Judged
from components.traffic_monitor.rows import Watched
from components.traffic_monitor.verdicts import ALARM, EMPTY, LEVEL, TOO_FEW, UNCHANGED

# With fewer requests the verdict is TOO_FEW unless a test raises an alarm: of a hundred tests, each then finds only
# shares that change by more than a sixth of all rows (`least_shift`).
LEAST_REQUESTS = 200
_POWER = 0.8


def decide(rows: int, requests: int, judged: Sequence[Judged], anomalies: Sequence[object]) -> str:
    """Decide on a window.

    Args:
        rows: number of rows that a model answered.
        requests: number of requests that these rows are of.
        judged: every comparison.
        anomalies: violations of the contract. With fewer than LEAST_REQUESTS requests, shares violate it by chance, so
            anomalies are reported and do not raise an alarm.

    Returns:
        One of the verdicts of components.traffic_monitor.verdicts.
    """
    if not rows:
        return ALARM if any(one.alarm for one in judged) else EMPTY
    if any(one.alarm for one in judged) or (anomalies and requests >= LEAST_REQUESTS):
        return ALARM
    return UNCHANGED if requests >= LEAST_REQUESTS else TOO_FEW


def least_shift(rows: int, tests: int) -> float | None:
    """Compute the change of a share of one half that is found with a probability of 80%.

    It uses the normal approximation, and the level that Holm's method applies to the smallest p-value.

    Args:
        rows: number of independent rows.
        tests: number of tests that are judged together.

    Returns:
        The change, at most 0.5; None if there are no rows.

    Example:
        >>> round(least_shift(200, 100), 2), round(least_shift(20_000, 100), 3)
        (0.17, 0.017)
    """
    if not rows:
        return None
    needed = stats.norm.isf(LEVEL / max(1, tests) / 2) + stats.norm.isf(1 - _POWER)
    return float(min(0.5, needed * 0.5 / math.sqrt(rows)))


def as_record(judged: Judged) -> dict[str, Any]:
    """Return a finding as JSON values."""
    one = judged.comparison
    return {
        "column": one.column,
        "test": one.test,
        "version": one.version,
        "window": one.window,
        "reference": one.reference,
        "p_value": one.p_value,
        "adjusted_p_value": judged.adjusted,
        "observed": one.observed,
        "expected": one.expected,
    }


def describe_watched(column: Watched, has_key: bool) -> str:
    """Return in words how a column is watched."""
    if column.hidden == "dropped":
        return "not logged: not watched"
    if column.hidden == "hashed":
        known = "hashes of both" if has_key else "only missing values, because there is no key to hash training values"
        return f"hashed: {known}; between windows by hash"
    if column.time_bound:
        return "depends on the date: only missing values"
    return "numbers" if column.ordered else "values"
