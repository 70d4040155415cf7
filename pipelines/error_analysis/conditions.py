"""Make conditions on one column, such as "fare ≤ 4.5" or "company missing", and find the rows that meet them."""

import dataclasses
from collections.abc import Collection

import numpy as np
import pandas as pd

from pipelines.evaluation.row_groups import RowGroups, group_rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditions:
    """Conditions on columns, made from some rows and applicable to any."""

    groups: tuple[RowGroups, ...]  # one for each column

    @property
    def labels(self) -> list[str]:
        """The conditions in words."""
        return [label for one in self.groups for label in one.labels]

    @property
    def columns(self) -> np.ndarray:
        """The position of each condition's column, int64 [conditions]."""
        return np.repeat(np.arange(len(self.groups)), [len(one.labels) for one in self.groups])

    def met_by(self, rows: pd.DataFrame) -> np.ndarray:
        """Return which rows meet each condition, bool [conditions, rows]."""
        met = [one.number_groups(rows[one.column]) == np.arange(len(one.labels))[:, None] for one in self.groups]
        return np.concatenate([np.empty((0, len(rows)), dtype=bool), *met])


def make_conditions(rows: pd.DataFrame, categories: Collection[str]) -> Conditions:
    """Return the conditions of every column, except columns of lists and columns without values.

    Args:
        rows: Raw columns.
        categories: Columns of numbers that are categories.
    """
    groups = [group_rows(rows[name], is_category=name in categories) for name in rows]
    return Conditions(groups=tuple(one for one in groups if one is not None))
