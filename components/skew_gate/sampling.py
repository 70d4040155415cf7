"""Choose the rows that are compared in every layout, in one pass over all rows.

Most are drawn at random, each row with the same probability. Their number determines the smallest share of rows in
which a skew is found. In addition there are rows that a draw may miss and that are often skewed: rows with missing
values, the smallest and largest numbers, rows on both sides of a bucket's edge, and rare values
(docs/decisions/0027-skew-by-sample.md).
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from components.skew_gate.batch_path import count_values
from components.skew_gate.bitwise import Arrays
from components.skew_gate.coverage import smallest_share_found
from components.skew_gate.strata import EDGES, EXTREMES, MISSING, RARE, Candidates, Edges, Values, find_gaps

# Drawn at random. With a probability of 99.9%, at least one of 1,400 rows is in any given 0.5% of all rows.
DRAWN_ROWS = 1400
# The most rows in addition. Each of the four strata gets at least a quarter of them if it has as many.
STRATA_ROWS = 600
# If there are at most this many rows, all are compared in every layout.
SAMPLE_ROWS = DRAWN_ROWS + STRATA_ROWS
_SEED = 27  # the same rows are drawn every time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """The rows that were chosen, by their numbers, counted from 0 in the order of the files.

    Attributes:
        total: number of all rows.
        drawn: int64, ascending: the rows drawn at random, or all.
        strata: stratum -> int64, the rows added for it; empty if `drawn` holds all rows.
        left_out: stratum -> number of its rows that are not in the sample, because STRATA_ROWS is the limit.
    """

    total: int
    drawn: np.ndarray
    strata: Mapping[str, np.ndarray]
    left_out: Mapping[str, int]

    @property
    def rows(self) -> np.ndarray:
        """All rows of the sample, int64, ascending."""
        return np.unique(np.concatenate([self.drawn, *self.strata.values()]))

    @property
    def complete(self) -> bool:
        """Whether the sample holds every row."""
        return len(self.drawn) == self.total


class Sampler:
    """Chooses the sample in one pass over all rows; memory does not grow with the rows."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)
        self._total = 0
        self._keys = np.zeros(0)
        self._numbers = np.zeros(0, np.int64)
        self._values: dict[str, Values] = {}
        self._gaps: dict[str, Candidates] = {}
        self._edges = Edges()

    def add(self, raw: pa.RecordBatch, features: Arrays) -> None:
        """Add the next rows: raw columns of lists, and the features [rows, n] that Transform made of them."""
        rows = raw.num_rows
        numbers = np.arange(self._total, self._total + rows)
        keys = np.concatenate([self._keys, self._random.random(rows)])
        kept = np.argsort(keys)[:SAMPLE_ROWS]
        self._keys, self._numbers = keys[kept], np.concatenate([self._numbers, numbers])[kept]
        self._total += rows
        raw_columns = dict(_single_values(raw))
        for name, (present, values) in raw_columns.items():
            self._gaps.setdefault(name, find_gaps()).add_rows(numbers[~present])
            self._values.setdefault(f"raw {name}", Values()).add(values, numbers[present])
        columns = dict(_each_column(features))
        for name, values in columns.items():
            self._values.setdefault(name, Values()).add(values[:, 0], numbers)
        self._edges.add(raw_columns, columns, numbers)

    def choose(self) -> Sample:
        """Return the sample of all rows that were added."""
        if self._total <= SAMPLE_ROWS:
            everything = np.arange(self._total)
            return Sample(total=self._total, drawn=everything, strata={}, left_out={})
        drawn = np.sort(self._numbers[:DRAWN_ROWS])
        rare = self._total * smallest_share_found(DRAWN_ROWS)
        wanted = {
            MISSING: _in_turn([gaps.numbers for gaps in self._gaps.values()]),
            EXTREMES: _in_turn([values.extremes() for values in self._values.values()]),
            EDGES: self._edges.rows(),
            RARE: _in_turn([values.rare(rare) for values in self._values.values()]),
        }
        held = _share_out({name: rows[~np.isin(rows, drawn)] for name, rows in wanted.items()}, STRATA_ROWS)
        found = np.concatenate([drawn, *held.values()])
        left_out = {name: int((~np.isin(rows, found)).sum()) for name, rows in wanted.items()}
        return Sample(total=self._total, drawn=drawn, strata=held, left_out=left_out)


def _single_values(raw: pa.RecordBatch) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Yield each column with bool [rows], whether a row has exactly one value, and these values."""
    for name, column in zip(raw.schema.names, raw.columns, strict=True):
        if pa.types.is_null(column.type):  # no row has a value
            yield name, (np.zeros(len(column), bool), np.zeros(0))
            continue
        lengths = count_values(column)
        values = column.flatten().to_numpy(zero_copy_only=False)
        single = lengths == 1
        yield name, (single, values[np.repeat(single, lengths)])


def _each_column(features: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each column [rows, 1] of features [rows, n]; if n is more than 1, its name ends in its index, `[0]`."""
    for name, values in features.items():
        width = values.shape[1]
        for place in range(width):
            yield name if width == 1 else f"{name}[{place}]", values[:, place : place + 1]


def _in_turn(groups: list[np.ndarray]) -> np.ndarray:
    """Merge groups of rows: first the first row of each group, then the second ones; each row once."""
    longest = max((len(rows) for rows in groups), default=0)
    ordered = [rows[place] for place in range(longest) for rows in groups if place < len(rows)]
    return np.array(list(dict.fromkeys(ordered)), np.int64)


def _share_out(wanted: Mapping[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """Divide `most` rows equally among the groups; what a group does not need goes to larger groups."""
    held: dict[str, np.ndarray] = {}
    left = most
    by_need = sorted(wanted, key=lambda name: len(wanted[name]))
    for place, name in enumerate(by_need):
        taken = np.concatenate([np.zeros(0, np.int64), *held.values()])
        rows = wanted[name][~np.isin(wanted[name], taken)]
        held[name] = rows[: left // (len(by_need) - place)]
        left -= len(held[name])
    return {name: held[name] for name in wanted}
