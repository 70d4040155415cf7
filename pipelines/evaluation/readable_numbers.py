"""Format metrics and bounds for lines of text."""

import math


def format_readable(value: float, digits: int = 4) -> str:
    """Return a number with some significant digits, and without an exponent if it is large.

    Example:
        >>> format_readable(0.194321), format_readable(4993), format_readable(20_300), format_readable(1_234_567)
        ('0.1943', '4993', '20,300', '1,234,567')
    """
    large = math.isfinite(value) and abs(value) >= 10**digits - 0.5
    return f"{value:,.0f}" if large else f"{value:.{digits}g}"
