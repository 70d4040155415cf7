"""Numbers as people read them."""

import math

from pipelines.bootstrap import Interval

NONE = "–"  # undefined, or not known


def number(value: float | None) -> str:
    """Four significant digits; counts in full, `4,993`."""
    if value is None or not math.isfinite(value):
        return NONE
    if float(value).is_integer() and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def change(value: float | None) -> str:
    """With its sign: `+0.0012`."""
    return NONE if value is None or not math.isfinite(value) else f"{value:+.3g}"


def percent(share: float | None) -> str:
    """`34.3%`."""
    return NONE if share is None or not math.isfinite(share) else f"{share:.1%}"


def interval(found: Interval | None) -> str:
    """`0.951 to 0.964`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{number(found.low)} to {number(found.high)}"


def change_interval(found: Interval | None) -> str:
    """`−0.002 to +0.004`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{change(found.low)} to {change(found.high)}"
