"""Group rows by one raw column: quantile bins of numbers, frequent values of categories, and missing values."""

import dataclasses
import itertools

import numpy as np
import pandas as pd

_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)  # quantiles that are edges: the tails have bins of their own
_MOST_VALUES = 10  # groups of a category, the most frequent values
_OTHER = -1


@dataclasses.dataclass(frozen=True, kw_only=True)
class RowGroups:
    """The groups by one column, made from some rows and applicable to any."""

    column: str
    edges: tuple[float, ...] = ()  # between the bins of a number; a value equal to an edge is in the lower bin
    values: tuple[object, ...] = ()  # of a category
    of_numbers: bool

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the groups, such as "fare ≤ 4.5" or "company = Flash Cab"; the last is "<column> missing"."""
        named = self._label_bins() if self.of_numbers else [f"{self.column} = {value}" for value in self.values]
        return (*named, f"{self.column} missing")

    def number_groups(self, cells: pd.Series) -> np.ndarray:
        """Return the position of each row's group in `labels`, int64 [rows]; -1 for a value without a group."""
        missing = cells.isna().to_numpy()
        if self.of_numbers:
            numbers = cells.astype("float64").to_numpy(np.float64, na_value=np.nan)
            found = np.searchsorted(np.array(self.edges), numbers, side="left")
        else:
            known = {value: number for number, value in enumerate(self.values)}
            found = np.array([known.get(cell, _OTHER) for cell in cells.astype(object)], dtype=np.int64)
        return np.where(missing, len(self.labels) - 1, found).astype(np.int64)

    def _label_bins(self) -> list[str]:
        edges = [_format_edge(edge) for edge in self.edges]
        if not edges:
            return [f"any {self.column}"]
        middle = [f"{low} < {self.column} ≤ {high}" for low, high in itertools.pairwise(edges)]
        return [f"{self.column} ≤ {edges[0]}", *middle, f"{self.column} > {edges[-1]}"]


def _format_edge(edge: float) -> str:
    """Format a number with six significant digits, a whole one with all: six digits do not tell timestamps apart."""
    return f"{edge:.0f}" if edge.is_integer() and abs(edge) < 1e15 else f"{edge:.6g}"


def group_rows(cells: pd.Series, *, is_category: bool) -> RowGroups | None:
    """Make the groups of a column.

    Args:
        cells: Values of one raw column, with the column's name, as in the table of Run.rows.
        is_category: Whether the values are categories, also if they are numbers.

    Returns:
        None if the values are lists, or no row has a value.
    """
    present, name = cells.dropna(), str(cells.name)
    if not len(present) or any(isinstance(cell, list) for cell in present.iloc[:1_000]):
        return None
    if is_category or not pd.api.types.is_numeric_dtype(cells.dtype):
        values = tuple(present.astype(object).value_counts().index[:_MOST_VALUES])
        return RowGroups(column=name, values=values, of_numbers=False)
    numbers = present.to_numpy(np.float64)
    edges = np.unique(np.quantile(numbers, _SHARES, method="lower"))
    return RowGroups(column=name, edges=tuple(float(one) for one in edges if one < numbers.max()), of_numbers=True)
