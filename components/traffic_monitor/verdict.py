"""The verdict on a window, and its findings in words."""

import math
from collections.abc import Sequence
from typing import Any

from scipy import stats

from components.traffic_monitor.comparison import Judged
from components.traffic_monitor.rows import Watched
from components.traffic_monitor.verdicts import ALARM, EMPTY, LEVEL, TOO_FEW, UNCHANGED

# Requests: with fewer, only shares that move by a third of all rows are found (`least_shift`).
LEAST_REQUESTS = 200
_POWER = 0.8


def decide(rows: int, requests: int, judged: Sequence[Judged], anomalies: Sequence[object]) -> str:
    """Decides on a window.

    Args:
        rows: that a model answered.
        requests: that they came in.
        judged: every comparison.
        anomalies: what breaks the contract. Shares of few rows break it by chance: then they are told and decide
            nothing.
    """
    if not rows:
        return ALARM if any(one.alarm for one in judged) else EMPTY
    if any(one.alarm for one in judged) or (anomalies and requests >= LEAST_REQUESTS):
        return ALARM
    return UNCHANGED if requests >= LEAST_REQUESTS else TOO_FEW


def least_shift(rows: int, tests: int) -> float | None:
    """The change of a share of one half that is found four times out of five; None where there are no rows.

    By the normal approximation, at the level that Holm's method gives the smallest p-value.

    Args:
        rows: independent ones.
        tests: how many are judged together.
    """
    if not rows:
        return None
    needed = stats.norm.isf(LEVEL / max(1, tests) / 2) + stats.norm.isf(1 - _POWER)
    return float(min(0.5, needed * 0.5 / math.sqrt(rows)))


def as_record(judged: Judged) -> dict[str, Any]:
    """A finding as JSON."""
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
    """Says in words how a column is watched."""
    if column.hidden == "dropped":
        return "not logged: not watched"
    if column.hidden == "hashed":
        known = "hashes of both" if has_key else "missing only: no key to hash the training values with"
        return f"hashed: {known}; between windows by hash"
    if column.time_bound:
        return "moves on with time: missing only"
    return "numbers" if column.ordered else "values"
