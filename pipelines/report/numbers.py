"""Format numbers for people."""

import math

from pipelines.evaluation.bootstrap import Interval

_LARGE = 10_000
NONE = "–"  # undefined, or unknown


def format_number(value: float | None) -> str:
    """Return a number with four significant digits; whole and large numbers in full.

    Example:
        >>> format_number(0.0123456), format_number(4993), format_number(None)
        ('0.01235', '4,993', '–')
    """
    if value is None or not math.isfinite(value):
        return NONE
    whole = float(value).is_integer() or abs(value) >= _LARGE
    return _signed(f"{value:,.0f}" if whole else f"{value:,.4g}")


def format_metric(value: float | None) -> str:
    """Return a metric with four decimals, so that values align; very large and small ones as `format_number` does.

    Example:
        >>> format_metric(0.95), format_metric(2873.6)
        ('0.9500', '2,874')
    """
    plain = value is not None and math.isfinite(value) and (value == 0 or 0.001 <= abs(value) < 10)
    return f"{value:.4f}" if plain else format_number(value)


def format_change(value: float | None) -> str:
    """Return a change with its sign and four decimals, or four significant digits if it is 10 or more.

    Example:
        >>> format_change(0.00123), format_change(-12.3456)
        ('+0.0012', '−12.35')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return _signed(f"{value:+.4f}" if abs(value) < 10 else f"{value:+,.4g}")


def format_percent(share: float | None) -> str:
    """Return a share in percent; one that would be rounded to 0 is `<0.1%`.

    Example:
        >>> format_percent(0.3432), format_percent(0.0002), format_percent(0)
        ('34.3%', '<0.1%', '0.0%')
    """
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
    """Replace the hyphen by a minus sign, which is as wide as the plus sign."""
    return text.replace("-", "−")
