"""Numbers as people read them."""

import math

from pipelines.evaluation.bootstrap import Interval

_LARGE = 10_000
NONE = "–"  # undefined, or not known


def number(value: float | None) -> str:
    """Four significant digits; counts and what is large in full, `4,993`."""
    if value is None or not math.isfinite(value):
        return NONE
    whole = float(value).is_integer() or abs(value) >= _LARGE
    return _signed(f"{value:,.0f}" if whole else f"{value:,.4g}")


def measure(value: float | None) -> str:
    """A metric: four decimals, so that values stand under one another; those of another size as `number` has them."""
    plain = value is not None and math.isfinite(value) and (value == 0 or 0.001 <= abs(value) < 10)
    return f"{value:.4f}" if plain else number(value)


def change(value: float | None) -> str:
    """With its sign: `+0.0012`."""
    if value is None or not math.isfinite(value):
        return NONE
    return _signed(f"{value:+.4f}" if abs(value) < 10 else f"{value:+,.4g}")


def percent(share: float | None) -> str:
    """`34.3%`; what would be rounded to nothing is `<0.1%`."""
    if share is None or not math.isfinite(share):
        return NONE
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def interval(found: Interval | None) -> str:
    """`0.951 to 0.964`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{measure(found.low)} to {measure(found.high)}"


def change_interval(found: Interval | None) -> str:
    """`−0.002 to +0.004`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{change(found.low)} to {change(found.high)}"


def _signed(text: str) -> str:
    """With a minus as wide as the plus."""
    return text.replace("-", "−")
