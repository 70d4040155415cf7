"""Formats numbers for people."""

import math

from pipelines.evaluation.bootstrap import Interval

_LARGE = 10_000
NONE = "–"  # undefined, or not known


def format_number(value: float | None) -> str:
    """Format a number with four significant digits; counts and large numbers in full, `4,993`."""
    if value is None or not math.isfinite(value):
        return NONE
    whole = float(value).is_integer() or abs(value) >= _LARGE
    return _signed(f"{value:,.0f}" if whole else f"{value:,.4g}")


def format_metric(value: float | None) -> str:
    """Format a metric with four decimals, so that values align; those of another size as `format_number` does."""
    plain = value is not None and math.isfinite(value) and (value == 0 or 0.001 <= abs(value) < 10)
    return f"{value:.4f}" if plain else format_number(value)


def format_change(value: float | None) -> str:
    """Format a change with its sign: `+0.0012`."""
    if value is None or not math.isfinite(value):
        return NONE
    return _signed(f"{value:+.4f}" if abs(value) < 10 else f"{value:+,.4g}")


def format_percent(share: float | None) -> str:
    """Format a share: `34.3%`; what would be rounded to 0 is `<0.1%`."""
    if share is None or not math.isfinite(share):
        return NONE
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def format_interval(found: Interval | None) -> str:
    """Format an interval: `0.951 to 0.964`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{format_metric(found.low)} to {format_metric(found.high)}"


def format_change_interval(found: Interval | None) -> str:
    """Format the interval of a change: `−0.002 to +0.004`."""
    if found is None or not (math.isfinite(found.low) and math.isfinite(found.high)):
        return NONE
    return f"{format_change(found.low)} to {format_change(found.high)}"


def _signed(text: str) -> str:
    """Replaces the hyphen with a minus as wide as the plus."""
    return text.replace("-", "−")
