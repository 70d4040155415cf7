"""Divide the values of a column into cells for a chi-square test.

The cells are made from both samples together, so they do not depend on which row is in which sample. The test stays
valid: under the null hypothesis every assignment of rows to the samples has the same probability.
"""

import dataclasses

import numpy as np

from components.traffic_monitor.pooled import Pooled

# The fewest rows that the smaller sample is expected to have in a cell. Cochran (1954) requires 5; p-values as small as
# those of a family of a hundred tests require more (docs/how-to/monitoring.md has the simulation).
LEAST_EXPECTED = 20
_LONGEST_SHOWN = 32  # most characters of a value in a message
_ATOM_SHARE = 0.02  # of the rows: a number that is at least as frequent gets its own cell
_INTERVAL_SHARE = 0.05  # of the rows: the least that an interval of numbers holds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells:
    """One cell per frequent value, then cells for the other values: intervals of numbers, or one for all categories."""

    frequent: np.ndarray  # [frequent values], sorted
    edges: np.ndarray | None  # [intervals - 1], sorted, between numbers that are not frequent; None for categories
    of_values: np.ndarray  # [different values] int, the cell of each value

    @property
    def number(self) -> int:
        """The number of cells."""
        return len(self.frequent) + (1 if self.edges is None else len(self.edges) + 1)

    def describe(self, cell: int) -> str:
        """Return the name of a cell for messages."""
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
    """Return the cells of the values of two samples.

    Args:
        pooled: the values.
        ordered: whether they are numbers that can be compared by size.
    """
    counts = pooled.counts
    rows = int(counts.sum())
    smaller = min(len(pooled.first), len(pooled.second)) / max(1, rows)
    least = LEAST_EXPECTED / max(smaller, 1e-12)  # rows of both samples in a cell
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
    """Return the edges between intervals of about the same weight."""
    if intervals < 2:
        return np.empty(0)
    cumulated = np.cumsum(weights) / weights.sum()
    places = np.searchsorted(cumulated, np.arange(1, intervals) / intervals) + 1
    return np.unique(values[places[places < len(values)]]).astype(np.float64)


def show(value: object) -> str:
    """Return a value as text for a message: strings quoted and shortened, numbers with six digits, whole ones in full.

    Args:
        value: of a column.

    Example:
        >>> show(b"Cash"), show(0.123456789), show(12345678.0)
        ("'Cash'", '0.123457', '12345678')
    """
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.6g}"
    text = repr(value.decode(errors="replace") if isinstance(value, bytes) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
