"""Read spans from the names of files and folders."""

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
# The patterns that are tried without --pattern, the most specific first. {YYYY}, {MM}, {DD} and {SPAN} are TFX's.
USUAL = ("*{YYYY}-{MM}-{DD}", "*{YYYY}Q{Q}", "*{YYYY}-{MM}", "*{YYYY}", "*{SPAN}")


@dataclasses.dataclass(frozen=True)
class SpanPattern:
    """The pattern of a name, without the file's ending: `trips-{YYYY}Q{Q}`. `*` matches any text.

    A year is from 1900 to 2099, since other four digits may be a number, or a month and a day.

    Raises:
        SpanError: It has no placeholder, or its placeholders do not name a span together.

    Example:
        >>> SpanPattern("trips-{YYYY}Q{Q}").read("trips-2014Q1").name
        '2014Q1'
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
        """Read the span from a name without its ending; None if the name does not match, or names no calendar day."""
        found = self._regex.fullmatch(stem)
        if found is None:
            return None
        parts = {key: int(value) for key, value in found.groupdict().items()}
        return span_of_number(parts["number"]) if "number" in parts else span_of_period(parts.pop("year"), **parts)

    @property
    def numbered(self) -> bool:
        """Whether its spans are numbers and not periods."""
        return "{SPAN}" in self.text

    @property
    def _expression(self) -> str:
        parts = re.split(f"({'|'.join(map(re.escape, _PLACEHOLDERS))})", self.text)
        return "".join(_PLACEHOLDERS.get(part, re.escape(part)) for part in parts)

    @functools.cached_property
    def _regex(self) -> re.Pattern[str]:
        # A number, or a year after `*`, begins at the first digit: `*{SPAN}` reads 12 from `part12`, not 2.
        begun = self._expression.replace(r"(?P<number>", r"(?<![0-9])(?P<number>")
        return re.compile(begun.replace(r".*?(?P<year>", r".*?(?<![0-9])(?P<year>"))


def _has_other_braces(text: str) -> bool:
    for placeholder in _PLACEHOLDERS:
        text = text.replace(placeholder, "")
    return "{" in text or "}" in text


def find_pattern(stems: Iterable[str]) -> SpanPattern | None:
    """Find the most specific of the usual patterns that matches more than half of the names, or else at least one.

    It is not the one with the most matches, since `*{SPAN}` matches every name that ends in a digit.

    Args:
        stems: names of files without endings, and of folders.

    Returns:
        The pattern; None if no usual pattern matches a name.

    Example:
        >>> find_pattern(["trips-2014Q1", "trips-2014Q2"]).text
        '*{YYYY}Q{Q}'
    """
    names = list(stems)
    fits = {text: sum(SpanPattern(text).read(name) is not None for name in names) for text in USUAL}
    found = [text for text, count in fits.items() if 2 * count > len(names)] + [text for text in USUAL if fits[text]]
    return SpanPattern(found[0]) if found else None
