"""How spans are read from the names of files and folders."""

import dataclasses
import functools
import re
from collections.abc import Iterable

from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, span_of_number, span_of_period

_PLACEHOLDERS = {
    "{YYYY}": r"(?P<year>(?:19|20)[0-9]{2})",
    "{Q}": r"(?P<quarter>[1-4])",
    "{MM}": r"(?P<month>[0-9]{2})",
    "{DD}": r"(?P<day>[0-9]{2})",
    "{SPAN}": r"(?P<number>[0-9]+)",
    "*": r".*?",
}
_KINDS = (("year",), ("quarter", "year"), ("month", "year"), ("day", "month", "year"), ("number",))
# What is tried where nobody names a pattern, the most exact first. {YYYY}, {MM}, {DD} and {SPAN} are TFX's.
USUAL = ("*{YYYY}-{MM}-{DD}", "*{YYYY}Q{Q}", "*{YYYY}-{MM}", "*{YYYY}", "*{SPAN}")


@dataclasses.dataclass(frozen=True)
class SpanPattern:
    """The pattern of a name, without the file's ending: `trips-{YYYY}Q{Q}`. `*` stands for any text.

    A year is one from 1900 to 2099: four digits may as well be a number, or a month and a day.

    Raises:
        SpanError: It has no placeholder, or such as do not say a span together.
    """

    text: str

    def __post_init__(self) -> None:
        found = sorted(re.findall(r"\(\?P<(\w+)>", self._expression))
        if tuple(found) not in _KINDS or _has_other_braces(self.text):
            raise SpanError(
                f"pattern {self.text!r}: expected one of {{YYYY}}, {{YYYY}} with {{Q}}, {{YYYY}} with {{MM}}, "
                "{YYYY} with {MM} and {DD}, or {SPAN}, each once, such as trips-{YYYY}Q{Q}"
            )

    def read(self, stem: str) -> Span | None:
        """Read the span from a name without its ending; None where the name is no such, or no day of the calendar."""
        found = self._regex.fullmatch(stem)
        if found is None:
            return None
        parts = {key: int(value) for key, value in found.groupdict().items()}
        return span_of_number(parts["number"]) if "number" in parts else span_of_period(parts.pop("year"), **parts)

    @property
    def numbered(self) -> bool:
        """Whether its spans are numbers, and of no period."""
        return "{SPAN}" in self.text

    @property
    def _expression(self) -> str:
        parts = re.split(f"({'|'.join(map(re.escape, _PLACEHOLDERS))})", self.text)
        return "".join(_PLACEHOLDERS.get(part, re.escape(part)) for part in parts)

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        # A number begins where the digits do: `*{SPAN}` reads 12 from `part12`, and not 2. So does a year after `*`.
        begun = self._expression.replace(r"(?P<number>", r"(?<![0-9])(?P<number>")
        return re.compile(begun.replace(r".*?(?P<year>", r".*?(?<![0-9])(?P<year>"))


def _has_other_braces(text: str) -> bool:
    for placeholder in _PLACEHOLDERS:
        text = text.replace(placeholder, "")
    return "{" in text or "}" in text


def find_pattern(stems: Iterable[str]) -> SpanPattern | None:
    """Find the most exact of the usual patterns that fits more than half of the names, or else any; None if none does.

    Not the one that fits the most: `*{SPAN}` fits every name that ends in a digit.
    """
    names = list(stems)
    fits = {text: sum(SpanPattern(text).read(name) is not None for name in names) for text in USUAL}
    found = [text for text, count in fits.items() if 2 * count > len(names)] + [text for text in USUAL if fits[text]]
    return SpanPattern(found[0]) if found else None
