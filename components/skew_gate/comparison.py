"""Count how the two sides of one column differ, and describe it for the report."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.skew_gate.bitwise import describe_type
from components.skew_gate.columns import Column
from components.skew_gate.json_values import as_json, example_as_json
from components.skew_gate.rounding import LARGEST_EDGE_SHARE, Judgement, Shift, judge

Layout = tuple[np.ndarray, np.ndarray]  # the expected and the received values in one layout, [rows, n] each

EXACT = "equal"
BIT_FOR_BIT = "equal bit for bit"
MOST_OPERATIONS = 4  # named for a column: the most likely ones


def within(steps: int) -> str:
    """Return the rule for floats in words; docs/decisions/0018-rounding-is-not-skew.md defines a step.

    Example:
        >>> within(32)
        'equal within 32 float32 steps'
    """
    return f"equal within {steps} float32 steps"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two sides of the same rows, and the layouts that may explain a difference by rounding.

    A layout is one way to put the rows into batches: a batch size, and whether the last batch is filled up.

    Attributes:
        expected: [rows, n].
        received: [rows, n].
        layouts: pairs of arrays [rows, n]; a layout explains a difference where its two arrays agree.
        unsteady: bool [rows]: rows in which a layout may explain a difference; None: all.
        jumps: bool [rows]: rows that may be at an edge; None: none.
    """

    expected: np.ndarray
    received: np.ndarray
    layouts: Sequence[Layout] = ()
    unsteady: np.ndarray | None = None
    jumps: np.ndarray | None = None

    def presume_explained(self) -> Self:
        """Return the pair with one layout that explains every difference that layouts can explain."""
        return dataclasses.replace(self, layouts=[(self.expected, self.expected)], unsteady=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorstRow:
    """The row that differs most. A skewed row ranks above a row at an edge, and that above a rounded row."""

    row: int  # counted from 0, in the order of the files
    raw: dict[str, object]  # its raw values
    values: dict[str, object]  # side -> value
    distance: float  # largest absolute difference; 1 between strings


@dataclasses.dataclass(kw_only=True)
class Rounding:
    """The differences that are rounding and not skew."""

    rows: int = 0  # that differ only by rounding
    largest: float = 0.0  # absolute difference
    steps: float = 0.0  # the largest in float32 steps of the column's scale
    at_edge: int = 0  # rows that rounding moves over an edge, into another bucket
    operations: tuple[str, ...] = ()  # that round, upstream of the column; the most likely first


@dataclasses.dataclass(kw_only=True)
class Comparison:
    """Counts of how the two sides of one column differ."""

    name: str
    rule: str  # how close the sides must be
    rows: int = 0
    skewed: int = 0  # rows that break the rule
    presumed: int = 0  # rows that break it unless rounding explains them, which was checked on similar rows only
    worst: WorstRow | None = None
    problem: str | None = None  # why the sides cannot be compared, such as different dtypes; then every row differs
    rounding: Rounding = dataclasses.field(default_factory=Rounding)
    shift: Shift = dataclasses.field(default_factory=Shift)
    drawn: int = 0  # rows for averages and shares: all, or drawn at random, and compared in every layout
    drawn_at_edge: int = 0
    _worst_rank: tuple[int, float] = (0, -1.0)  # rank of the worst row, and its distance

    @property
    def differences(self) -> int:
        """The number of rows for which the model is refused."""
        presumed = self.presumed if self.skewed else 0
        edges = self.rounding.at_edge if self._too_many_at_edge else 0
        rounded = self.rounding.rows if self._is_shifted else 0
        return self.skewed + max(presumed, edges + rounded)  # presumed rows are among those at an edge and the rounded

    @property
    def _too_many_at_edge(self) -> bool:
        return self.drawn_at_edge > LARGEST_EDGE_SHARE * self.drawn

    @property
    def _is_shifted(self) -> bool:
        return abs(self.shift.steps) > self.shift.limit

    def add(
        self,
        pairs: Sequence[Pair],
        sides: tuple[str, str],
        *,
        column: Column,
        bound: int,
        raw: np.ndarray,
        numbers: np.ndarray,
        drawn: np.ndarray,
        presumed: bool = False,
    ) -> np.ndarray:
        """Count the rows in which any of the pairs differs.

        Args:
            pairs: one or more pairs of the same rows.
            sides: the names of `expected` and `received`.
            column: what is known of it; without a scale, the sides have to be equal bit for bit.
            bound: steps that a number may be off.
            raw: serialized raw tf.Examples [rows].
            numbers: int [rows], the rows' numbers, counted from 0 in the order of the files.
            drawn: bool [rows], whether a row was drawn at random and the pairs are of every layout.
            presumed: whether every difference that rounding may explain counts as rounding, because other layouts of
                these rows were not computed.

        Returns:
            The rank of each row, int [rows]: the worst of any pair.
        """
        if not len(raw):
            return np.zeros(0, int)
        for pair in pairs:
            types = [describe_type(values) for values in (pair.expected, pair.received)]
            if types[0] != types[1]:
                problem = ", ".join(f"{side} has {kind}" for side, kind in zip(sides, types, strict=True))
                self.mark_incomparable(problem, len(raw))
                return np.zeros(len(raw), int)
        if presumed:
            pairs = [pair.presume_explained() for pair in pairs]
        judgements = [_judge(pair, column, bound) for pair in pairs]
        if column.scale is not None and drawn.any():
            self.shift.add(pairs[0].expected[drawn], judgements[0].rest[drawn], column.scale)
        self.rounding.operations = column.operations[:MOST_OPERATIONS]
        self._keep_worst(judgements, pairs, sides, raw, numbers)
        return self._count(judgements, drawn, presumed, bound)

    def _count(self, judgements: Sequence[Judgement], drawn: np.ndarray, presumed: bool, bound: int) -> np.ndarray:
        """Count each row once, with its worst rank in any pair; return those ranks."""
        worst: np.ndarray = np.max([judgement.rank for judgement in judgements], axis=0)
        moved, rounded = worst == Judgement.MOVED, worst == Judgement.ROUNDED
        self.rows += len(worst)
        self.skewed += int((worst == Judgement.SKEWED).sum())
        self.rounding.at_edge += int(moved.sum())
        self.rounding.rows += int(rounded.sum())
        self.drawn += int(drawn.sum())
        self.drawn_at_edge += int((moved & drawn).sum())
        if presumed:
            steps = np.max([judgement.steps for judgement in judgements], axis=0)
            self.presumed += int((moved | (rounded & (steps > bound))).sum())
        for judgement in judgements:
            rounded = judgement.rank == Judgement.ROUNDED
            self.rounding.largest = max(self.rounding.largest, float(judgement.distance[rounded].max(initial=0.0)))
            self.rounding.steps = max(self.rounding.steps, float(judgement.steps[rounded].max(initial=0.0)))
        return worst

    def _keep_worst(
        self,
        judgements: Sequence[Judgement],
        pairs: Sequence[Pair],
        sides: tuple[str, str],
        raw: np.ndarray,
        numbers: np.ndarray,
    ) -> None:
        ranks = np.stack([judgement.rank for judgement in judgements])
        distances = np.stack([judgement.distance for judgement in judgements])
        largest = np.where(ranks == ranks.max(), distances, -1.0)
        which, row = (int(index) for index in np.unravel_index(largest.argmax(), largest.shape))
        rank = (int(ranks[which, row]), float(distances[which, row]))
        if rank > max(self._worst_rank, (Judgement.EQUAL, np.inf)):
            values = (as_json(array[row]) for array in (pairs[which].expected, pairs[which].received))
            self._worst_rank = rank
            self.worst = WorstRow(
                row=int(numbers[row]),
                raw=example_as_json(raw[row]),
                values=dict(zip(sides, values, strict=True)),
                distance=rank[1],
            )

    def mark_incomparable(self, problem: str, rows: int) -> None:
        """Count all rows as different because the sides cannot be compared."""
        self.problem = problem
        self.rows += rows
        self.skewed += rows

    def reason(self) -> str:
        """Return a sentence that describes the difference."""
        if self.problem is not None or self.worst is None:
            return f"{self.name}: {self.problem}"
        values = ", ".join(f"{side} {value!r}" for side, value in self.worst.values.items())
        worst = f"worst at row {self.worst.row}: {values}, raw row {self.worst.raw}"
        return f"{self.name}: {self._finding()}; {worst}"

    def _finding(self) -> str:
        if self.skewed:
            return f"{self.skewed + self.presumed} of {self.rows} rows are not {self.rule}"
        operations = f" ({', '.join(self.rounding.operations)})" if self.rounding.operations else ""
        if self._too_many_at_edge:
            return (
                f"{self.drawn_at_edge} of {self.drawn} rows lie on an edge, and rounding{operations} decides "
                f"their side: expected at most {LARGEST_EDGE_SHARE:.0%}; compute what has the edges in float64"
            )
        return (
            f"{self.rounding.rows} of {self.rows} rows differ in one direction, by {self.shift.steps:+.1f} float32 "
            f"steps on average: rounding explains at most {self.shift.limit:.1f}; look for another mean or deviation"
        )

    def as_dict(self) -> dict[str, object]:
        """Return the comparison as JSON values."""
        return {
            "name": self.name,
            "rule": self.rule,
            "rows": self.rows,
            "differences": self.differences,
            "presumed": self.presumed,
            "worst": dataclasses.asdict(self.worst) if self.worst else None,
            "problem": self.problem,
            "rounding": dataclasses.asdict(self.rounding),
        }


def _judge(pair: Pair, column: Column, bound: int) -> Judgement:
    return judge(
        pair.expected,
        pair.received,
        pair.layouts,
        scale=column.scale,
        bound=bound,
        largest=column.largest_rounding,
        unsteady=pair.unsteady,
        jumps=pair.jumps,
    )
