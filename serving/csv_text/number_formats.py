"""Read numbers in people's formats: thousands separators, decimal commas, currency and percent signs.

A contract defines how a column's cells are written, in tags of the feature's annotation::

    feature {
      name: "price"
      type: FLOAT
      annotation { comment: "Price in €" tag: "number_thousands:." tag: "number_decimal:," tag: "number_sign:€" }
    }

Then `1.234,50 €` is 1234.5, and `(1.234,50 €)`, as accountants write it, is -1234.5. A sign is a unit and does not
change the number: `12%` is 12. Clients send 12, too, so the contract's comment should say so. Every cell must have
this format: a cell without the sign, or with four digits and no separator, may come from another source and mean
something else.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable
from typing import Self

SPACE, APOSTROPHE = "space", "'"
# India: commas between groups of two, `12,34,567`. It differs from the tag `,`, so that a column has one grouping.
LAKH = "lakh"
# A tag's thousands separator -> a regular expression of its variants, typeset spaces and apostrophes included.
THOUSANDS = {",": ",", LAKH: ",", ".": r"\.", SPACE: "[ \u00a0\u2009\u202f]", APOSTROPHE: "['\u2019]"}
DECIMALS = (".", ",")
_THOUSANDS_TAG, _DECIMAL_TAG, _SIGN_TAG = "number_thousands:", "number_decimal:", "number_sign:"


@dataclasses.dataclass(frozen=True, kw_only=True)
class NumberFormat:
    """The format of a column's numbers; the default is the format of programs."""

    # a key of THOUSANDS; separates groups of three digits; LAKH: groups of two before the last three
    thousands: str = ""
    decimal: str = "."
    sign: str = ""  # before or after the number, in every cell

    @classmethod
    def from_tags(cls, name: str, tags: Iterable[str]) -> Self | None:
        """Read the format of a feature from its tags; return None when it has none.

        Args:
            name: the feature's name, for messages.
            tags: of its annotation.

        Returns:
            The format.

        Raises:
            ValueError: A tag appears twice, its value is not a separator, or both separators are the same.
        """
        found: dict[str, str] = {}
        for tag in tags:
            for field, prefix in _PREFIXES.items():
                if tag.startswith(prefix):
                    if field in found:
                        raise ValueError(f"{name}: expected one tag {prefix}VALUE, received two. Keep one.")
                    found[field] = tag.removeprefix(prefix)
        if not found:
            return None
        read = cls(**found)
        for prefix, value, allowed in (
            (_THOUSANDS_TAG, read.thousands, ("", *THOUSANDS)),
            (_DECIMAL_TAG, read.decimal, DECIMALS),
        ):
            if value not in allowed or THOUSANDS.get(read.thousands) == re.escape(read.decimal):
                choice = " or ".join(repr(one) for one in allowed if one)
                raise ValueError(
                    f"{name}: the contract's tag {prefix}{value} must name {choice}, and thousands and decimals must "
                    "differ. Change the tag."
                )
        return read

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that define this format."""
        default = NumberFormat()
        return tuple(
            prefix + getattr(self, field)
            for field, prefix in _PREFIXES.items()
            if getattr(self, field) != getattr(default, field)
        )

    def normalise(self, cell: str) -> str:
        """Rewrite a number as Python reads it, such as `-1234.5`.

        Args:
            cell: the text.

        Returns:
            The number's text.

        Raises:
            ValueError: The cell does not have this format.

        Example:
            >>> NumberFormat(thousands=".", decimal=",", sign="€").normalise("1.234,50 €")
            '1234.50'
        """
        text = cell.strip().replace("\u2212", "-")  # the typographic minus
        if self.sign and "".join(text.split()) == f"{self.sign}-":
            return "0"  # Excel's accounting format for zero
        in_parentheses = text.startswith("(") and text.endswith(")")
        found = self._pattern.fullmatch(text[1:-1] if in_parentheses else text)
        if found is None or (self.sign and bool(found["before"] or found["first"]) == bool(found["after"])):
            raise ValueError(cell)
        has_minus = "-" in found["start"]
        if in_parentheses and (has_minus or not (self.sign or self.thousands)):
            raise ValueError(cell)
        minus = "-" if has_minus or in_parentheses else ""
        fraction = f".{found['fraction']}" if found["fraction"] else ""
        return f"{minus}{_NO_DIGIT.sub('', found['whole'])}{fraction}"

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        sign = re.escape(self.sign.strip())
        group = THOUSANDS.get(self.thousands)
        # Not \d, which matches digits of every script.
        if self.thousands == LAKH:
            groups = rf"0|[1-9][0-9]{{0,2}}|[1-9][0-9]?(?:{group}[0-9]{{2}})*{group}[0-9]{{3}}"
        else:
            groups = rf"0|[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})*"
        # Match blanks possessively (`*+`): with backtracking, a cell of many blanks would take minutes.
        return re.compile(
            rf"\s*+(?P<start>[-+]?\s*+(?P<before>{sign})?\s*+|(?P<first>{sign})\s*+[-+])"
            rf"(?P<whole>{groups if group else '[0-9]+'})(?:{re.escape(self.decimal)}(?P<fraction>[0-9]+))?"
            rf"\s*+(?P<after>{sign})?\s*+"
        )


_PREFIXES = {"thousands": _THOUSANDS_TAG, "decimal": _DECIMAL_TAG, "sign": _SIGN_TAG}
_NO_DIGIT = re.compile("[^0-9]")
