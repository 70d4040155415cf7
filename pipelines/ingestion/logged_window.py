"""Select the periods of the request log that become spans. Imports no TFX."""

import dataclasses

from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, read_span

DAY, MONTH, QUARTER = "day", "month", "quarter"
_PATTERNS = {DAY: "{YYYY}-{MM}-{DD}", MONTH: "{YYYY}-{MM}", QUARTER: "{YYYY}Q{Q}", "year": "{YYYY}"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedWindow:
    """One period of the request log, or all periods of a kind that are over."""

    kind: str  # DAY, MONTH, QUARTER, or year
    span: Span | None  # the period; None: all of the kind that are over

    @property
    def pattern(self) -> str:
        """Pattern of the spans' names."""
        return _PATTERNS[self.kind]


def parse_window(text: str) -> LoggedWindow:
    """Return the window that a text names.

    Args:
        text: `day`, `month` or `quarter`, or the name of a period, such as 2026-11.

    Raises:
        SpanError: The text is neither.

    Example:
        >>> parse_window("month").span is None
        True
        >>> parse_window("2026-11").kind
        'month'
    """
    if text in (DAY, MONTH, QUARTER):
        return LoggedWindow(kind=text, span=None)
    try:
        span = read_span(text, numbered=False)
    except SpanError as error:
        raise SpanError(
            f"window {text!r}: expected day, month or quarter, or the name of a period such as 2026-11-29, "
            "2026-11 or 2026Q4"
        ) from error
    kind = {10: DAY, 7: MONTH, 6: QUARTER, 4: "year"}[len(span.name)]
    return LoggedWindow(kind=kind, span=span)
