"""Take the slices with the highest losses out of some rows, one after the other."""

import dataclasses

import numpy as np

from pipelines.error_analysis.slice_losses import compare_each, compare_pairs

_MOST_CONDITIONS = 250  # conditions to pair; the table of pairs has the square of this


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """Limits of a search for slices.

    Raises:
        ValueError: A limit is out of its range.
    """

    min_rows: int = 20  # of a slice, in each half: with fewer, Welch's test is unreliable for skewed losses
    least_effect: float = 0.2  # in standard deviations: a small effect by Cohen (1988)
    most_tested: int = 10  # slices to test on the other half; each makes the correction stricter
    level: float = 0.05  # probability that any slice is reported if none is worse

    def __post_init__(self) -> None:
        if self.min_rows < 2 or self.most_tested < 1 or not 0 < self.level < 1:
            raise ValueError(
                "expected min_rows of 2 or more, most_tested of 1 or more and a level between 0 and 1, received "
                f"{self.min_rows}, {self.most_tested} and {self.level:g}"
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TakenSlice:
    """A slice of a region. A region has the rows that no slice has taken before, or the rows of one taken slice."""

    conditions: tuple[int, ...]  # one or two, in addition to the region's
    within: int | None  # the condition of the region; None for the rows that no slice has taken
    statistic: float  # Welch's t against the other rows of the region


class Regions:
    """The rows of each region that are left while slices are taken one after the other."""

    def __init__(self, met: np.ndarray):
        """Take which rows meet each condition, bool [conditions, rows]."""
        self._met = met
        self.left: dict[int | None, np.ndarray] = {None: np.ones(met.shape[1], dtype=bool)}

    def take(self, one: TakenSlice) -> tuple[np.ndarray, np.ndarray]:
        """Remove a slice's rows from its region; a slice of one condition becomes a region of its own.

        Returns:
            The slice's rows, and the rows of its region that are left, bool [rows] each.
        """
        inside = self.left[one.within] & self._met[list(one.conditions)].all(axis=0)
        self.left[one.within] = self.left[one.within] & ~inside
        if one.within is None and len(one.conditions) == 1:
            self.left[one.conditions[0]] = inside
        return inside, self.left[one.within]


class WorstSlices:
    """The search for the worst slices of one set of rows."""

    def __init__(self, met: np.ndarray, columns: np.ndarray, losses: np.ndarray, options: SearchOptions):
        """Choose the conditions that enough rows meet; of more than 250, those with the highest mean losses.

        Args:
            met: Which rows meet each condition, bool [conditions, rows].
            columns: Position of each condition's column, [conditions].
            losses: Losses of the rows, [rows].
            options: Limits of the search.
        """
        counts = met.sum(axis=1)
        enough = np.flatnonzero(counts >= options.min_rows)
        means = (met[enough] @ losses) / counts[enough]
        self._chosen = np.sort(enough[np.argsort(-means, kind="stable")][:_MOST_CONDITIONS])
        self._met, self._losses, self._options = met[self._chosen].astype(np.float64), losses, options
        self._all_met = met
        self._columns = columns
        of_chosen = columns[self._chosen]
        self._pairs = (of_chosen[:, None] != of_chosen) | np.eye(len(self._chosen), dtype=bool)

    def count(self) -> int:
        """Return the number of slices with enough rows."""
        return int((np.triu(self._pairs) & (self._met @ self._met.T >= self._options.min_rows)).sum())

    def take(self) -> list[TakenSlice]:
        """Return the worst slices, taken one after the other until none has least_effect or most_tested are taken."""
        regions = Regions(self._all_met)
        taken: list[TakenSlice] = []
        worst: dict[int | None, TakenSlice | None] = {None: self._find_worst(None, regions.left[None])}
        while len(taken) < self._options.most_tested:
            candidates = [one for one in worst.values() if one is not None]
            if not candidates:
                break
            taken.append(max(candidates, key=lambda one: one.statistic))
            regions.take(taken[-1])
            for within in regions.left.keys() - (worst.keys() - {taken[-1].within}):
                worst[within] = self._find_worst(within, regions.left[within])
        return taken

    def _find_worst(self, within: int | None, left: np.ndarray) -> TakenSlice | None:
        met, losses, min_rows = self._met[:, left], self._losses[left], self._options.min_rows
        if within is None:
            found, allowed = compare_pairs(met, losses, min_rows), self._pairs
        else:
            found = compare_each(met, losses, min_rows)
            allowed = self._columns[self._chosen] != self._columns[within]
        statistics = np.where(allowed & (found.effects >= self._options.least_effect), found.statistics, -np.inf)
        if not np.isfinite(statistics).any():
            return None
        place = np.unravel_index(int(statistics.argmax()), statistics.shape)
        conditions = tuple(dict.fromkeys(int(self._chosen[number]) for number in place))
        return TakenSlice(conditions=conditions, within=within, statistic=float(statistics[place]))
