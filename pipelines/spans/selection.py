"""Choose among the accepted spans: `all`, `last:4`, `2014Q1..2015Q4` or `2014Q1`."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Self

from pipelines.spans.errors import SpanError
from pipelines.spans.span import read_span


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanSelection:
    """A choice among spans, by name. Without `newest`, `first` and `last` it is all spans."""

    text: str  # as the user wrote it
    newest: int | None = None  # number of the newest spans
    first: str | None = None  # name of the first span of a range
    last: str | None = None  # name of its last span

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a choice.

        Args:
            text: all, last:4, 2014Q1..2015Q4 or 2014Q1.

        Returns:
            The choice.

        Raises:
            SpanError: The text is none of these.
        """
        if text == "all":
            return cls(text=text)
        if found := re.fullmatch(r"last:([1-9]\d*)", text):
            return cls(text=text, newest=int(found[1]))
        first, dots, last = text.partition("..")
        if all(_is_name(name) for name in ((first, last) if dots else (first,))):
            return cls(text=text, first=first, last=last or first)
        raise SpanError(f"spans {text!r}: expected all, last:4, a span such as 2014Q1, or a range 2014Q1..2015Q4")

    def choose(self, names: Sequence[str]) -> list[str]:
        """Choose among the names of spans.

        Args:
            names: names of all accepted spans, in the order of time.

        Returns:
            The chosen names, in the same order.

        Raises:
            SpanError: A name is not that of a span, or no span is chosen.

        Example:
            >>> SpanSelection.parse("last:2").choose(["2014Q1", "2014Q2", "2014Q3"])
            ['2014Q2', '2014Q3']
        """
        if self.newest is not None:
            chosen = list(names[-self.newest :])
        elif self.first is not None and self.last is not None:
            numbered = all(name.isdigit() for name in names)
            first, last = (read_span(name, numbered=numbered) for name in (self.first, self.last))
            chosen = [name for name in names if first <= read_span(name, numbered=numbered) <= last]
        else:
            chosen = list(names)
        if not chosen:
            accepted = f"{names[0]} to {names[-1]}" if names else "none"
            raise SpanError(
                f"spans {self.text}: expected at least one accepted span, received none; accepted: {accepted}"
            )
        return chosen


def _is_name(text: str) -> bool:
    try:
        read_span(text, numbered=True)
    except SpanError:
        return False
    return True
