"""Recognises columns whose cells are lists, such as `red|gold`."""

import collections
import dataclasses
import re
from collections.abc import Sequence

import pandas as pd

from serving.csv_text.lines import shorten

MOST_ITEMS = 30  # each becomes a feature of its own
_SEPARATORS = ("|", ";", ",")
_LEAST_LISTS = 0.1  # of the rows with a value: those with more than one item
_MOST_KINDS = 1000  # of items; with more it is prose
_MOST_REPEATED = 0.05  # of the rows with a value: those in which an item stands twice
_BRACKETS = re.compile(r"\s*(?:\[(.*)\]|\{(.*)\}|\((.*)\))\s*", re.DOTALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListColumn:
    """A column of lists."""

    separator: str
    items: tuple[str, ...]  # in which rows enough have them, the most frequent first

    @property
    def too_many(self) -> str:
        """Says that there are more items than features can be made of; empty where there are not."""
        if len(self.items) <= MOST_ITEMS:
            return ""
        return (
            f"lists separated by {self.separator!r}, of {len(self.items):,} kinds of items, more than "
            f"{MOST_ITEMS}; give those that matter a column of their own"
        )


def recognise_list(present: pd.Series, min_count: int) -> ListColumn | None:
    """Reads a column of texts as lists.

    Lists differ in length, and the same items come in other company, so that there are more texts than items. Of texts
    such as `Paris, France` there are fewer.

    Args:
        present: the texts, without missing ones.
        min_count: rows that have to have an item.
    """
    texts = present.value_counts()
    for separator in _SEPARATORS:
        if float(present.str.contains(separator, regex=False).mean()) < _LEAST_LISTS:
            continue
        # Empty items are slips: `red|`.
        lists = {text: [item.strip() for item in text.split(separator) if item.strip()] for text in texts.index}
        rows: collections.Counter[str] = collections.Counter()
        for text, items in lists.items():
            rows.update(dict.fromkeys(items, int(texts[text])))
        if len(rows) < min(len(texts), _MOST_KINDS) and _are_lists(list(lists.values()), texts.tolist()):
            items = [item for item, count in rows.most_common() if count >= min_count]
            return ListColumn(separator=separator, items=tuple(items)) if items else None
    return None


def explain_brackets(present: pd.Series, min_count: int) -> str:
    """Says that texts are lists as programs write them, such as `['red', 'gold']`; empty where most are none.

    Args:
        present: the texts, without missing ones.
        min_count: rows that have to have an item.
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
    """Whether their lengths differ, and nothing stands twice in one, but for slips."""
    repeated = sum(count for items, count in zip(lists, counts, strict=True) if len({*items}) < len(items))
    return len({len(items) for items in lists}) > 1 and repeated <= _MOST_REPEATED * sum(counts)
