"""Chooses the rows that are compared in every layout of a batch, in one pass over all rows.

Most are drawn at random, each row as likely as any other: what share of rows a skew must have to be found follows from
their number. Beside them are rows that a draw may miss, and where skews begin: rows where a value is missing, the least
and largest numbers, rows on either side of a bucket's edge, and rare values. docs/decisions/0027-skew-by-sample.md.
"""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from components.skew_gate.batch_path import count_values
from components.skew_gate.bitwise import Arrays
from components.skew_gate.coverage import smallest_share_found
from components.skew_gate.strata import EDGES, EXTREMES, MISSING, RARE, Candidates, Edges, Values, find_gaps

# Drawn at random. Of 1,400 rows one at least is in any 0.5% of all rows, with a probability of 99.9%.
DRAWN_ROWS = 1400
# Beside them, at most, of which each stratum has a quarter at least where it needs so many.
STRATA_ROWS = 600
# So many rows or fewer are all compared in every layout.
SAMPLE_ROWS = DRAWN_ROWS + STRATA_ROWS
_SEED = 27  # the same rows are drawn every time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """The rows that were chosen.

    Attributes:
        total: rows that there are.
        drawn: int64, ascending: the rows drawn at random, by their numbers from 0 in the order of the files.
        strata: stratum -> int64, the rows that it holds; empty where all rows are drawn.
        left_out: stratum -> how many rows it would have held without the bound.
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
        """Whether every row is in it."""
        return len(self.drawn) == self.total


class Sampler:
    """Sees every row once, and keeps what it needs of them: memory does not grow with the rows."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(_SEED)
        self._total = 0
        self._keys = np.zeros(0)
        self._numbers = np.zeros(0, np.int64)
        self._values: dict[str, Values] = {}
        self._gaps: dict[str, Candidates] = {}
        self._edges = Edges()

    def add(self, raw: pa.RecordBatch, features: Arrays) -> None:
        """Takes the next rows: raw columns of lists, and the features [rows, n] that Transform made of them."""
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
        """Chooses the rows."""
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
    """Yields, by column, bool [rows] where a row has one value, and these values."""
    for name, column in zip(raw.schema.names, raw.columns, strict=True):
        if pa.types.is_null(column.type):  # no row has one
            yield name, (np.zeros(len(column), bool), np.zeros(0))
            continue
        lengths = count_values(column)
        values = column.flatten().to_numpy(zero_copy_only=False)
        single = lengths == 1
        yield name, (single, values[np.repeat(single, lengths)])


def _each_column(features: Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """Yields features [rows, n] as they are where n is 1, else each of their columns [rows, 1] by its number."""
    for name, values in features.items():
        width = values.shape[1]
        for place in range(width):
            yield name if width == 1 else f"{name}[{place}]", values[:, place : place + 1]


def _in_turn(groups: list[np.ndarray]) -> np.ndarray:
    """Merges rows, the first of each group before the second of any; each row once."""
    longest = max((len(rows) for rows in groups), default=0)
    ordered = [rows[place] for place in range(longest) for rows in groups if place < len(rows)]
    return np.array(list(dict.fromkeys(ordered)), np.int64)


def _share_out(wanted: Mapping[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """Gives every group an equal part of `most` rows, and what a group does not need to those that need more."""
    held: dict[str, np.ndarray] = {}
    left = most
    by_need = sorted(wanted, key=lambda name: len(wanted[name]))
    for place, name in enumerate(by_need):
        taken = np.concatenate([np.zeros(0, np.int64), *held.values()])
        rows = wanted[name][~np.isin(wanted[name], taken)]
        held[name] = rows[: left // (len(by_need) - place)]
        left -= len(held[name])
    return {name: held[name] for name in wanted}
