"""Distinguish rounding from skew (docs/decisions/0018-rounding-is-not-skew.md gives the reasons for the rules).

float32 results for one row depend on its place in a batch: kernels compute several rows at once and the last few one by
one, and the two round differently. So the exported model is run in several layouts of its batches. The values that it
computes for a row in these layouts are the values that rounding can produce for that row.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

import numpy as np

from components.skew_gate.bitwise import bits, describe_type

# The step of float32 at 1. All bounds count such steps, relative to the scale of a number: the larger of its size and
# its column's spread.
STEP = float(np.finfo(np.float32).eps)
# Features are short computations: of 50 common ones, none was more than 6 steps from the same graph without
# TensorFlow's graph optimizations. A mean that is off by 1e-4 standard deviations is 839 steps.
FEATURE_STEPS = 32
# A model is a longer computation, and its weights can enlarge the rounding of its features.
PREDICTION_STEPS = 64
# For the average over rows, in which rounding of both signs cancels. FEATURE_STEPS / √rows is added, for few rows.
SHIFT_STEPS = 4
# The most that rounding moves a number, relative to its scale, even if the computation is ill-conditioned. A larger
# difference is a jump, for example to another bucket.
LARGEST_ROUNDING = 1e-3
# The largest share of rows that may jump because rounding moves them over the edge of a bucket.
LARGEST_EDGE_SHARE = 0.1

_CENTRAL = (10, 50, 90)  # percentiles
_CENTRAL_WIDTH = 2.563  # standard deviations between the outer two, in a normal distribution


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How large the numbers of a column are over all rows.

    Attributes:
        spread: [n] float64: the standard deviation, or the one estimated from the central 80% of rows if that is less.
            With it, a single value of 1e9 does not make a difference of 50 look small.
        centre: [n] float64: the median.
        probability: bool [n]: whether they are predictions that are all from 0 to 1; None for features.
    """

    spread: np.ndarray
    centre: np.ndarray
    probability: np.ndarray | None = None

    @classmethod
    def measure(cls, *chunks: np.ndarray) -> Self | None:
        """Measure chunks of floats [rows, n], column by column; return None for integers and strings."""
        if chunks[0].dtype.kind != "f":
            return None
        parts = [values.reshape(len(values), -1) for values in chunks]
        width = parts[0].shape[1]
        spread, centre = np.zeros(width), np.zeros(width)
        for column in range(width):
            numbers = np.concatenate([values[:, column] for values in parts]).astype(np.float64)
            finite = numbers[np.isfinite(numbers)]
            if finite.size:
                low, centre[column], high = np.percentile(finite, _CENTRAL)
                spread[column] = min(finite.std(), (high - low) / _CENTRAL_WIDTH)
        return cls(spread=spread, centre=centre)

    def of_predictions(self, values: np.ndarray) -> Self:
        """Return the scale with `probability` set from predictions [rows, n]."""
        within = (values >= 0) & (values <= 1)
        return dataclasses.replace(self, probability=within.reshape(len(values), -1).all(axis=0))

    def sizes(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return the scale of each number, [rows, n] float64: the larger of its size and the column's spread.

        The size of a probability is p (1 + |ln p|), because its relative error is the absolute error of a logit, which
        is as large as ln p.

        Args:
            left: [rows, n].
            right: [rows, n].
        """
        sizes = _size(left, right)
        if self.probability is not None:
            logit = 1 - np.log(np.clip(sizes, np.finfo(np.float32).tiny, 1))
            sizes = np.where(self.probability, sizes * logit, sizes)
        return np.maximum(sizes, self.spread)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """How the rows of two arrays differ.

    Attributes:
        rank: int [rows]: EQUAL; ROUNDED if the row differs within rounding; MOVED if it jumps where the exported model
            itself jumps between layouts, at the edge of a bucket; SKEWED if it differs by more.
        distance: float64 [rows]: largest absolute difference, 1 between strings; 0 if the row does not differ.
        steps: float64 [rows]: largest difference in steps of the scale; 0 for whole numbers and strings.
        rest: float64 [rows, n]: signed steps that no layout explains; 0 for whole numbers and strings.
    """

    EQUAL: ClassVar[int] = 0
    ROUNDED: ClassVar[int] = 1
    MOVED: ClassVar[int] = 2
    SKEWED: ClassVar[int] = 3

    rank: np.ndarray
    distance: np.ndarray
    steps: np.ndarray
    rest: np.ndarray


def judge(
    expected: np.ndarray,
    received: np.ndarray,
    layouts: Iterable[tuple[np.ndarray, np.ndarray]],
    *,
    scale: Scale | None,
    bound: float,
    largest: float = LARGEST_ROUNDING,
    unsteady: np.ndarray | None = None,
    jumps: np.ndarray | None = None,
) -> Judgement:
    """Compare two arrays [rows, n] of one dtype and shape, row by row.

    A number may be `bound` steps off. If the two sides agree in some layout, the difference is due to rounding: then
    a number may be off by up to `largest`, and by any amount in a row that may be at an edge.

    Args:
        expected: float32, float64, int64, or bytes objects.
        received: of the same dtype and shape.
        layouts: pairs of arrays that agree where a layout explains a number. For features: the expected values, and
            those of the exported model in another layout. For predictions: the trained model's predictions on the
            features of another layout, and the received ones.
        scale: of the column, for floats; None: the sides have to be equal bit for bit.
        bound: steps that a number may be off.
        largest: the most that rounding moves a number, relative to its scale.
        unsteady: bool [rows], the rows in which a layout may explain a difference; None: every row.
        jumps: bool [rows], those that may be at an edge; None: no row.

    Returns:
        The rank of each row, and how far it is off.
    """
    rows = len(expected)
    expected, received = expected.reshape(rows, -1), received.reshape(rows, -1)
    zeros = np.zeros(expected.shape)
    if (bits(expected) == bits(received)).all():
        return Judgement(rank=np.zeros(rows, int), distance=np.zeros(rows), steps=np.zeros(rows), rest=zeros)
    others = [
        (left.reshape(rows, -1), right.reshape(rows, -1))
        for left, right in layouts
        if describe_type(left) == describe_type(right)
    ]
    excusable = np.ones((rows, 1), bool) if unsteady is None else unsteady[:, None]
    may_jump = np.zeros((rows, 1), bool) if jumps is None else jumps[:, None]
    if scale is None:
        ranks = _rank_exact(expected, received, others, may_jump)
        off = rest = zeros
    else:
        step = np.maximum(scale.sizes(expected, received) * STEP, np.finfo(np.float32).tiny)
        off = _signed(expected, received) / step
        rest = _nearest(off, [_signed(left, right) / step for left, right in others], excusable)
        ranks = _rank_steps(np.abs(off), np.abs(rest), bound, largest / STEP, may_jump)
    rank = ranks.max(axis=1, initial=Judgement.EQUAL)
    distance = np.where(ranks > Judgement.EQUAL, _absolute(expected, received), 0.0).max(axis=1, initial=0.0)
    steps = np.where(np.isfinite(off), np.abs(off), 0.0).max(axis=1, initial=0.0)
    return Judgement(rank=rank, distance=distance, steps=steps, rest=rest)


def _rank_exact(
    expected: np.ndarray,
    received: np.ndarray,
    layouts: Sequence[tuple[np.ndarray, np.ndarray]],
    may_jump: np.ndarray,
) -> np.ndarray:
    """Return the rank of each element of arrays that have to be equal bit for bit."""
    explained = np.zeros(expected.shape, bool)
    for left, right in layouts:
        explained |= equal(left, right)
    unequal = np.where(explained & may_jump, Judgement.MOVED, Judgement.SKEWED)
    return np.where(bits(expected) == bits(received), Judgement.EQUAL, unequal)


def _rank_steps(off: np.ndarray, rest: np.ndarray, bound: float, largest: float, may_jump: np.ndarray) -> np.ndarray:
    """Return the rank of each float, given the steps that it is off and the steps that no layout explains."""
    explained = rest <= bound
    rounded = (off <= bound) | (explained & (off <= largest))
    ranks = np.where(rounded, Judgement.ROUNDED, np.where(explained & may_jump, Judgement.MOVED, Judgement.SKEWED))
    return np.where(off == 0, Judgement.EQUAL, ranks)


def _nearest(off: np.ndarray, others: Iterable[np.ndarray], excusable: np.ndarray) -> np.ndarray:
    """Return the fewest steps that each number is off; for rows that may be explained, in any layout."""
    rest = off
    for other in others:
        rest = np.where(excusable & (np.abs(other) < np.abs(rest)), other, rest)
    return rest


def equal(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return which elements are equal; NaN equals itself, and 0.0 equals -0.0.

    Args:
        left: [rows, n].
        right: of the same dtype and shape.

    Example:
        >>> equal(np.array([np.nan, 0.0, 1.0]), np.array([np.nan, -0.0, 2.0]))
        array([ True,  True, False])
    """
    same: np.ndarray = left == right
    return same | (np.isnan(left) & np.isnan(right)) if left.dtype.kind == "f" else same


class Shift:
    """The average difference of a column's rows. Rounding averages to about 0; another mean or deviation does not."""

    def __init__(self) -> None:
        self._rows = 0
        self._sums: np.ndarray | None = None  # [2, n]: of the steps, and of the steps away from the centre

    def add(self, values: np.ndarray, rest: np.ndarray, scale: Scale) -> None:
        """Add the values [rows, n] of some rows and the steps that no layout explains, of the same shape."""
        self._rows += len(values)
        if not rest.any():
            return
        steps = np.where(np.isfinite(rest), rest, 0.0)
        away = np.sign(np.nan_to_num(values.reshape(steps.shape).astype(np.float64) - scale.centre))
        sums = np.stack([steps.sum(axis=0), (steps * away).sum(axis=0)])
        self._sums = sums if self._sums is None else self._sums + sums

    @property
    def steps(self) -> float:
        """The signed average steps of the column, or direction from the centre, that is furthest off."""
        if self._sums is None or not self._sums.size:
            return 0.0
        means = self._sums.ravel() / self._rows
        return float(means[np.abs(means).argmax()])

    @property
    def limit(self) -> float:
        """The most average steps that rounding explains over this number of rows."""
        return SHIFT_STEPS + FEATURE_STEPS / max(self._rows, 1) ** 0.5


def _size(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the larger absolute value of two floats, [rows, n] float64; 0 where either is not finite."""
    sizes = np.maximum(np.abs(left.astype(np.float64)), np.abs(right.astype(np.float64)))
    return np.where(np.isfinite(sizes), sizes, 0.0)


def _signed(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Subtract in float64; 0 where two values are equal, infinite where they differ and one is not finite."""
    with np.errstate(invalid="ignore"):  # inf - inf
        gaps = left.astype(np.float64) - right.astype(np.float64)
    return np.where(equal(left, right), 0.0, np.where(np.isfinite(gaps), gaps, np.inf))


def _absolute(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the absolute difference as a finite float64, for JSON; 1 between strings."""
    if left.dtype == object:
        return (left != right).astype(np.float64)
    gaps = np.abs(_signed(left, right)) if left.dtype.kind == "f" else np.abs(left.astype(np.float64) - right)
    return np.minimum(gaps, np.finfo(np.float64).max)
