"""Conditions on one column that rows meet or do not meet, such as "fare ≤ 4.5" or "company missing"."""

import dataclasses
from collections.abc import Collection

import numpy as np
import pandas as pd

from pipelines.evaluation.row_groups import RowGroups, group_rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Conditions:
    """Conditions, made from some rows and asked of any."""

    groups: tuple[RowGroups, ...]  # one for each column

    @property
    def labels(self) -> list[str]:
        """What each says."""
        return [label for one in self.groups for label in one.labels]

    @property
    def columns(self) -> np.ndarray:
        """The position of each one's column, int64 [conditions]."""
        return np.repeat(np.arange(len(self.groups)), [len(one.labels) for one in self.groups])

    def met_by(self, rows: pd.DataFrame) -> np.ndarray:
        """Tell which rows meet each condition, bool [conditions, rows]."""
        met = [one.number_groups(rows[one.column]) == np.arange(len(one.labels))[:, None] for one in self.groups]
        return np.concatenate([np.empty((0, len(rows)), dtype=bool), *met])


def make_conditions(rows: pd.DataFrame, categories: Collection[str]) -> Conditions:
    """Make the conditions of every column; those of lists, and those without a value, have none.

    Args:
        rows: raw columns.
        categories: columns of numbers that are names of something.
    """
    groups = [group_rows(rows[name], is_category=name in categories) for name in rows]
    return Conditions(groups=tuple(one for one in groups if one is not None))
