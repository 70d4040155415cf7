"""What is known of how two sides of one column differ, and how the report says it."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np

from components.skew_gate.bitwise import describe_type
from components.skew_gate.columns import Column
from components.skew_gate.json_values import as_json, example_as_json
from components.skew_gate.rounding import LARGEST_EDGE_SHARE, Judgement, Shift, judge

Layout = tuple[np.ndarray, np.ndarray]  # what is expected and what is received in one layout, [rows, n] each

EXACT = "equal"
BIT_FOR_BIT = "equal bit for bit"
MOST_OPERATIONS = 4  # named for a column: the likeliest


def within(steps: int) -> str:
    """Words the rule for floats; docs/decisions/0018-rounding-is-not-skew.md says what a step is."""
    return f"equal within {steps} float32 steps"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two sides of the same rows, and what excuses a row.

    Attributes:
        expected: [rows, n].
        received: [rows, n].
        layouts: two values that agree where a layout of the row's batch explains what was received.
        unsteady: bool [rows]: rows that layouts can excuse; None: all.
        jumps: bool [rows]: rows that may be at an edge; None: none.
    """

    expected: np.ndarray
    received: np.ndarray
    layouts: Sequence[Layout] = ()
    unsteady: np.ndarray | None = None
    jumps: np.ndarray | None = None

    def presume_explained(self) -> Self:
        """Returns a feature's pair as if a layout explained every difference that a layout can explain."""
        return dataclasses.replace(self, layouts=[(self.expected, self.expected)], unsteady=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorstRow:
    """The row that differs most: a skewed one before one at an edge, and that before a rounded one."""

    row: int  # counted from 0, in the order of the files
    raw: dict[str, object]  # its raw values
    values: dict[str, object]  # side -> value
    distance: float  # largest absolute difference; 1 between strings


@dataclasses.dataclass(kw_only=True)
class Rounding:
    """What was rounding, and no skew."""

    rows: int = 0  # that differ by rounding alone
    largest: float = 0.0  # absolute difference
    steps: float = 0.0  # the largest in float32 steps of the column's scale
    at_edge: int = 0  # rows that rounding pushes over an edge, into another bucket
    operations: tuple[str, ...] = ()  # that round, upstream of the column; the likeliest first


@dataclasses.dataclass(kw_only=True)
class Comparison:
    """How two sides of one column differ."""

    name: str
    rule: str  # how close the sides must be
    rows: int = 0
    skewed: int = 0  # rows that break the rule
    presumed: int = 0  # rows that break it but for rounding, which was looked for in others like them, not in these
    worst: WorstRow | None = None
    problem: str | None = None  # why the sides cannot be compared, such as another dtype; then every row differs
    rounding: Rounding = dataclasses.field(default_factory=Rounding)
    shift: Shift = dataclasses.field(default_factory=Shift)
    drawn: int = 0  # rows known in every layout that were drawn at random, or all: averages and shares are theirs
    drawn_at_edge: int = 0
    _worst_rank: tuple[int, float] = (0, -1.0)  # how bad the worst row is, and its distance

    @property
    def differences(self) -> int:
        """Rows for which the model is refused."""
        presumed = self.presumed if self.skewed else 0
        edges = self.rounding.at_edge if self._too_many_at_edge else 0
        rounded = self.rounding.rows if self._is_shifted else 0
        return self.skewed + max(presumed, edges + rounded)  # presumed ones are among those

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
        """Counts the rows in which any of the pairs differs, and returns each one's rank, the worst of any pair.

        Args:
            pairs: each of the same rows.
            sides: the names of `expected` and `received`.
            column: what is known of it; without a scale, the sides have to be equal bit for bit.
            bound: steps that a number may be off.
            raw: serialized raw tf.Examples [rows].
            numbers: int [rows], the rows' numbers, from 0 in the order of the files.
            drawn: bool [rows], whether a row was drawn at random and the pairs are of every layout.
            presumed: whether rounding excuses what it may excuse, since nobody asked for other layouts of these rows.
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
        """Counts each row once, as the worst that it is in any pair."""
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
        """Counts every row as different, since the sides cannot be compared."""
        self.problem = problem
        self.rows += rows
        self.skewed += rows

    def reason(self) -> str:
        """Describes the difference in plain words."""
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
                f"their side: more than {LARGEST_EDGE_SHARE:.0%}; compute what has the edges in float64"
            )
        return (
            f"{self.rounding.rows} of {self.rows} rows differ in one direction, by {self.shift.steps:+.1f} float32 "
            f"steps on average, where rounding leaves {self.shift.limit:.1f} at most: another mean or deviation"
        )

    def as_dict(self) -> dict[str, object]:
        """Returns the comparison, for JSON."""
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
