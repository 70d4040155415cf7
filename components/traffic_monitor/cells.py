"""Cuts the values of a column into cells that a chi-square test can count in.

The cells are made of both samples together, so that which row is of which sample has no part in them: under the null
hypothesis every assignment of rows to samples is as likely, and the test stays one.
"""

import dataclasses

import numpy as np

from components.traffic_monitor.pooled import Pooled

# Rows that the smaller sample is expected to have in a cell. Cochran (1954) asks for 5; p-values as small as a family
# of a hundred tests needs ask for more (docs/how-to/monitoring.md has the simulation).
LEAST_EXPECTED = 20
_LONGEST_SHOWN = 32  # characters of a value in a message
_ATOM_SHARE = 0.02  # of the rows: a number that is as frequent has a cell of its own
_INTERVAL_SHARE = 0.05  # of the rows: what an interval between numbers holds, at least


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells:
    """Frequent values, a cell each; then what is left: intervals of numbers, or one cell for all other categories."""

    frequent: np.ndarray  # [frequent values], sorted
    edges: np.ndarray | None  # [intervals - 1], sorted, of the numbers that are not frequent; None: categories
    of_values: np.ndarray  # [different values] int, the cell of each

    @property
    def number(self) -> int:
        """How many cells there are."""
        return len(self.frequent) + (1 if self.edges is None else len(self.edges) + 1)

    def describe(self, cell: int) -> str:
        """Names a cell for people."""
        count = len(self.frequent)
        if cell < count:
            return show(self.frequent[cell])
        if self.edges is None or not len(self.edges):
            return "all other values" if count else "all values"
        place = cell - count
        if place == 0:
            return f"below {self.edges[0]:g}"
        if place == len(self.edges):
            return f"{self.edges[-1]:g} or more"
        return f"{self.edges[place - 1]:g} to {self.edges[place]:g}"


def make_cells(pooled: Pooled, *, ordered: bool) -> Cells:
    """Makes the cells of two samples' values.

    Args:
        pooled: the values.
        ordered: whether they are numbers to compare.
    """
    counts = pooled.counts
    rows = int(counts.sum())
    smaller = min(len(pooled.first), len(pooled.second)) / max(1, rows)
    least = LEAST_EXPECTED / max(smaller, 1e-12)  # pooled rows in a cell
    is_frequent = counts >= (max(least, _ATOM_SHARE * rows) if ordered else least)
    frequent = pooled.values[is_frequent]
    edges = None
    of_values = np.full(len(counts), len(frequent))
    if ordered:
        rest, weights = pooled.values[~is_frequent], counts[~is_frequent]
        edges = _cut(rest, weights, int(weights.sum() // max(least, _INTERVAL_SHARE * rows)))
        of_values += np.searchsorted(edges, pooled.values, side="right")
    of_values[is_frequent] = np.arange(len(frequent))
    return Cells(frequent=frequent, edges=edges, of_values=of_values)


def _cut(values: np.ndarray, weights: np.ndarray, intervals: int) -> np.ndarray:
    """Edges between intervals of about the same weight."""
    if intervals < 2:
        return np.empty(0)
    reached = np.cumsum(weights) / weights.sum()
    places = np.searchsorted(reached, np.arange(1, intervals) / intervals) + 1
    return np.unique(values[places[places < len(values)]]).astype(np.float64)


def show(value: object) -> str:
    """Shows a value for people: strings quoted, numbers with six digits, whole ones in full."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    text = repr(value.decode(errors="replace") if isinstance(value, bytes) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
