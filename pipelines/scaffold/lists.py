"""Recognise columns whose cells are lists, such as `red|gold`."""

import collections
import dataclasses
import re
from collections.abc import Sequence

import pandas as pd

from serving.csv_text.lines import shorten

MOST_ITEMS = 30  # each becomes a feature of its own
_SEPARATORS = ("|", ";", ",")
_LEAST_LISTS = 0.1  # share of the rows with a value that must have several items
_MOST_KINDS = 1000  # different items; a column with more is prose
_MOST_REPEATED = 0.05  # share of the rows with a value in which an item may occur twice
_BRACKETS = re.compile(r"\s*(?:\[(.*)\]|\{(.*)\}|\((.*)\))\s*", re.DOTALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListColumn:
    """A column of lists."""

    separator: str
    items: tuple[str, ...]  # those that enough rows have, the most frequent first

    @property
    def too_many(self) -> str:
        """Why the column has too many items to become features; empty if it has not."""
        if len(self.items) <= MOST_ITEMS:
            return ""
        return (
            f"lists separated by {self.separator!r}, of {len(self.items):,} kinds of items, more than "
            f"{MOST_ITEMS}; give those that matter a column of their own"
        )


def recognise_list(present: pd.Series, min_count: int) -> ListColumn | None:
    """Recognise a column of texts that are lists.

    Lists differ in length, and the same items recur in different combinations: there are more different texts than
    items. Texts such as `Paris, France` are no lists: there are fewer different texts than parts.

    Args:
        present: The texts, without missing ones.
        min_count: Rows in which an item has to occur.

    Returns:
        None if the texts are no lists.
    """
    texts = present.value_counts()
    for separator in _SEPARATORS:
        if float(present.str.contains(separator, regex=False).mean()) < _LEAST_LISTS:
            continue
        # Empty items are typing errors: `red|`.
        lists = {text: [item.strip() for item in text.split(separator) if item.strip()] for text in texts.index}
        rows: collections.Counter[str] = collections.Counter()
        for text, items in lists.items():
            rows.update(dict.fromkeys(items, int(texts[text])))
        if len(rows) < min(len(texts), _MOST_KINDS) and _are_lists(list(lists.values()), texts.tolist()):
            items = [item for item, count in rows.most_common() if count >= min_count]
            return ListColumn(separator=separator, items=tuple(items)) if items else None
    return None


def explain_brackets(present: pd.Series, min_count: int) -> str:
    """Say that the texts are lists in brackets, such as `['red', 'gold']`, if most are.

    Args:
        present: The texts, without missing ones.
        min_count: Rows in which an item has to occur.

    Returns:
        Empty if most texts are no lists in brackets.
    """
    inner = present.map({text: _inside(text) for text in present.unique()}).dropna()
    if len(inner) <= len(present) / 2 or not recognise_list(inner, min_count):
        return ""
    longest = present[inner.index[int(inner.str.len().to_numpy().argmax())]]
    return f"lists in brackets, such as {shorten(longest)}; write the items alone, with bars between, as in red|gold"


def _inside(text: str) -> str | None:
    found = _BRACKETS.fullmatch(text)
    return next(group for group in found.groups() if group is not None) if found else None


def _are_lists(lists: Sequence[Sequence[str]], counts: Sequence[int]) -> bool:
    """Return whether the lists differ in length, and few of them contain an item twice."""
    repeated = sum(count for items, count in zip(lists, counts, strict=True) if len({*items}) < len(items))
    return len({len(items) for items in lists}) > 1 and repeated <= _MOST_REPEATED * sum(counts)
