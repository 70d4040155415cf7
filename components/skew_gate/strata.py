"""Find rows that a random draw may miss: with a value that is missing, extreme, rare, or next to a bucket's edge."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from components.skew_gate.bitwise import Arrays

MISSING, EXTREMES, EDGES, RARE = "missing values", "extremes", "bucket edges", "rare values"
_ROWS_EACH = 2  # rows per column in which its value is missing
_MOST_VALUES = 1_000  # of a column with more different values, such as an id or a time, none counts as rare
_MOST_BUCKETS = 64  # a column with more different whole numbers does not hold buckets
_MOST_PAIRS = 200  # pairs of a raw column and the buckets made of it
# With the rows sorted by a raw column, the bucket rises in some places and falls in others. If the smaller of the two
# counts is less than this share of the larger one, the bucket is taken to be made of the column.
_BACK = 0.2

Raw = Mapping[str, tuple[np.ndarray, np.ndarray]]  # column -> bool [rows], whether it has one value, and these values


class Candidates:
    """The first rows of a kind, by their numbers."""

    def __init__(self, most: int):
        self._most = most
        self.numbers = np.zeros(0, np.int64)

    def add_rows(self, numbers: np.ndarray) -> None:
        """Add rows, by their numbers."""
        if len(self.numbers) < self._most:
            self.numbers = np.concatenate([self.numbers, numbers])[: self._most]


def find_gaps() -> Candidates:
    """Return an object that keeps the first rows in which a column has no value."""
    return Candidates(_ROWS_EACH)


class Values:
    """The values of one column: the extremes of numbers, and how often each whole number or string occurs."""

    def __init__(self) -> None:
        self._extremes: dict[str, tuple[float, int]] = {}  # kind -> value, its row
        self._counts: dict[object, list[int]] | None = {}  # value -> rows, the first row; None: too many

    def add(self, values: np.ndarray, numbers: np.ndarray) -> None:
        """Add the values [rows] of more rows, and the rows' numbers."""
        if not len(values):
            return
        if values.dtype.kind in "if":
            self._add_extremes(values, numbers)
        if values.dtype.kind in "iO" and self._counts is not None:
            self._count(values, numbers)

    def extremes(self) -> np.ndarray:
        """Return the rows of the smallest and largest number, and of the first NaN and infinity if there are any."""
        return np.array([row for _, row in self._extremes.values()], np.int64)

    def rare(self, below: float) -> np.ndarray:
        """Return one row of each value that occurs in fewer than `below` rows, the rarest first."""
        counts = sorted((count, row) for count, row in (self._counts or {}).values() if count < below)
        return np.array([row for _, row in counts], np.int64)

    def _add_extremes(self, values: np.ndarray, numbers: np.ndarray) -> None:
        finite = np.isfinite(values)
        if finite.any():
            ordinary, rows = values[finite], numbers[finite]
            for kind, place, sign in (("least", ordinary.argmin(), -1), ("largest", ordinary.argmax(), 1)):
                found = (float(ordinary[place]), int(rows[place]))
                known = self._extremes.get(kind)
                if known is None or sign * found[0] > sign * known[0]:
                    self._extremes[kind] = found
        for kind, where in (("NaN", np.isnan(values)), ("infinite", np.isinf(values))):
            if kind not in self._extremes and where.any():
                self._extremes[kind] = (0.0, int(numbers[where][0]))

    def _count(self, values: np.ndarray, numbers: np.ndarray) -> None:
        assert self._counts is not None
        codes, different = pd.factorize(values)
        firsts = np.unique(codes, return_index=True)[1]
        for value, count, first in zip(
            different.tolist(), np.bincount(codes).tolist(), numbers[firsts].tolist(), strict=True
        ):
            self._counts.setdefault(value, [0, first])[0] += count
        if len(self._counts) > _MOST_VALUES:
            self._counts = None


class Edges:
    """The rows on both sides of each bucket edge, for bucket columns that are made of one raw column.

    A bucket column holds whole numbers that mostly rise, or mostly fall, with the raw column in the first rows that are
    added. The rows at the edges are those with the smallest and the largest value of the raw column in each bucket.
    """

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], dict[int, list[tuple[float, int]]]] | None = None

    def add(self, raw: Raw, features: Arrays, numbers: np.ndarray) -> None:
        """Add rows: the raw columns, the features [rows, n], and the rows' numbers."""
        buckets = {name: x[:, 0] for name, x in features.items() if x.dtype.kind == "i" and x.shape[1] == 1}
        columns = {name: (p, x) for name, (p, x) in raw.items() if x.dtype.kind in "if" and len(x)}
        if self._pairs is None:
            self._pairs = {pair: {} for pair in self._find_pairs(columns, buckets)[:_MOST_PAIRS]}
        for (column, bucket), known in list(self._pairs.items()):
            if column in columns and bucket in buckets:
                present, values = columns[column]
                self._keep_ends(known, values, buckets[bucket][present], numbers[present])
                if len(known) > _MOST_BUCKETS:
                    del self._pairs[column, bucket]

    def rows(self) -> np.ndarray:
        """Return the rows at the edges, each once."""
        found = [row for known in (self._pairs or {}).values() for ends in known.values() for _, row in ends]
        return np.array(list(dict.fromkeys(found)), np.int64)

    @staticmethod
    def _find_pairs(columns: Raw, buckets: Arrays) -> list[tuple[str, str]]:
        few = [name for name, values in buckets.items() if 1 < len(np.unique(values)) <= _MOST_BUCKETS]
        if not few:
            return []
        pairs = []
        together = np.stack([buckets[name] for name in few], axis=1)
        for column, (present, values) in columns.items():
            steps = np.diff(together[present][np.argsort(values, kind="stable")], axis=0)
            up, down = (steps > 0).sum(axis=0), (steps < 0).sum(axis=0)
            made = (np.minimum(up, down) < _BACK * np.maximum(up, down)).tolist()
            pairs += [(column, name) for name, is_made in zip(few, made, strict=True) if is_made]
        return pairs

    @staticmethod
    def _keep_ends(
        known: dict[int, list[tuple[float, int]]], values: np.ndarray, buckets: np.ndarray, numbers: np.ndarray
    ) -> None:
        order = np.argsort(values, kind="stable")
        ascending, rows = buckets[order], numbers[order]
        different, firsts = np.unique(ascending, return_index=True)
        lasts = len(order) - 1 - np.unique(ascending[::-1], return_index=True)[1]
        for bucket, first, last in zip(different.tolist(), firsts, lasts, strict=True):
            ends = [(float(values[order[place]]), int(rows[place])) for place in (first, last)]
            low, high = known.get(bucket, ends)
            known[bucket] = [min(low, ends[0]), max(high, ends[1])]
