"""Format numbers for people."""

import math

from pipelines.evaluation.bootstrap import Interval

_LARGE = 10_000
NONE = "–"  # undefined, or unknown


def format_number(value: float | None) -> str:
    """Return a number with four significant digits; whole numbers and those of 10,000 or more in full.

    Example:
        >>> format_number(0.0123456), format_number(4993), format_number(None)
        ('0.01235', '4,993', '–')
    """
    if value is None or not math.isfinite(value):
        return NONE
    whole = float(value).is_integer() or abs(value) >= _LARGE - 0.5  # 9,999.7 has the four digits of 10,000
    return _signed(f"{value + 0.0:,.0f}" if whole else f"{value:,.4g}")


def format_year(value: float | None) -> str:
    """Return a year, or a mean of years, without a separator of thousands.

    Example:
        >>> format_year(1905), format_year(1972.4), format_year(None)
        ('1905', '1972', '–')
    """
    return NONE if value is None or not math.isfinite(value) else f"{value:.0f}"


def format_signed(value: float | None) -> str:
    """Return a number as `format_number` does, with its sign.

    Example:
        >>> format_signed(1154.2), format_signed(-195600.4), format_signed(0)
        ('+1,154', '−195,600', '0')
    """
    text = format_number(value)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def format_metric(value: float | None) -> str:
    """Return a metric with four decimals, so that values align; very large and small ones as `format_number` does.

    Example:
        >>> format_metric(0.95), format_metric(2873.6)
        ('0.9500', '2,874')
    """
    plain = value is not None and math.isfinite(value) and (value == 0 or 0.001 <= abs(value) < 10)
    return f"{value:.4f}" if plain else format_number(value)


def format_change(value: float | None) -> str:
    """Return a change with its sign and four decimals, or as `format_number` does if it is 10 or more.

    A change that is rounded to 0 has no sign.

    Example:
        >>> format_change(0.00123), format_change(-12.3456), format_change(-195600.4), format_change(-0.00001)
        ('+0.0012', '−12.35', '−195,600', '0.0000')
    """
    if value is None or not math.isfinite(value):
        return NONE
    if abs(value) >= 10:
        return format_signed(value)
    text = _signed(f"{value:+.4f}")
    return text[1:] if float(text[1:]) == 0 else text


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
