"""What float32, as which a FLOAT is stored, takes away from a column.

float32 keeps 24 bits: a number of any size is off by at most 6e-8 of itself, which no model notices. But where a column
lies far from 0 and close together (seconds since 1970 with a fraction, amounts of nine digits with cents, ids with a
fraction), those bits are used up by what all values share, and different values become one.

A column is refused when different values become one, and this is more than the collisions of a column that is well
spread. Of its different values, or of an even sample of 10,000 of them:

  * more than 1 in 100 become another's, and the middle half of them spans fewer than 1,000 steps of float32: then a
    single step is more than 0.1% of what tells typical rows apart. Coordinates within a city span 5,000 steps and more;
  * or more than 1 in 1,000 do, and three quarters of them are 2^24 and more, from where on float32 does not even hold
    every whole number. Ten thousand values spread over a whole power of ten lose 1 in 2,000 by chance (the birthday
    problem, with 2^23 steps between a number and its double);
  * or more than 1 in 10 lie in a crowd, of CROWD values within CROWD_STEPS steps: 5 a step, as where 5,000 values span
    1,000. So 7,000 times of one hour are found among 3,000 shares of 0 to 1, which stretch the middle half. What
    differs by NOISE of itself or less is one value here: a sum in another order.

0.1, which float32 holds as 0.100000001, is neither.
"""

import dataclasses

import numpy as np

FLOAT32_ERRORS_PROPERTY = "float32_errors"  # custom property of the Examples: JSON, relative_error by FLOAT column
SAMPLE = 10_000  # different values at most that are remembered
FEWEST_STEPS = 1_000
MOST_LOST, MOST_LOST_OF_LARGE = 1 / 100, 1 / 1_000
LARGE = 2.0**24
CROWD, CROWD_STEPS, MOST_CROWDED = 50, 10, 1 / 10
NOISE = 2.0**-44  # 256 steps of a double; a millisecond since 1970 is ten times as much
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: Knuth's multiplicative hash


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrecisionLoss:
    """Different values of a column that float32 makes one of."""

    first: float
    second: float
    stored: float  # what both become
    lost: int  # values that become another's
    of: int  # different values, at most SAMPLE


class Float32Precision:
    """Measures one column, batch by batch, in memory that does not grow with its rows."""

    def __init__(self) -> None:
        self._sample: set[float] = set()
        self._level = 0  # Only values whose hash ends in so many zeros are remembered.
        self._largest_error = 0.0
        self._least, self._greatest = np.inf, -np.inf

    def add(self, values: np.ndarray) -> None:
        """Take more values, float64 [rows], NaN where there is none."""
        present = values[~np.isnan(values)]
        if not len(present):
            return
        errors = np.abs(present - present.astype(np.float32))
        self._largest_error = max(self._largest_error, float(errors.max()))
        self._least, self._greatest = min(self._least, present.min()), max(self._greatest, present.max())
        self._sample.update(self._choose(present).tolist())
        while len(self._sample) > SAMPLE:
            self._level += 1
            self._sample = set(self._choose(np.fromiter(self._sample, np.float64)).tolist())

    @property
    def relative_error(self) -> float:
        """Largest difference between a value and its float32, as a share of the column's range."""
        span = self._greatest - self._least
        return self._largest_error / float(span) if self._largest_error and span > 0 else 0.0

    def find_loss(self) -> PrecisionLoss | None:
        """Return what float32 takes away, where it is more than the rule above allows."""
        values = np.sort(np.fromiter(self._sample, np.float64))
        stored = values.astype(np.float32)
        same = np.flatnonzero(stored[1:] == stored[:-1])
        if not len(same) or not _is_too_much(values, len(same) / len(values)):
            return None
        at = same[0]
        return PrecisionLoss(
            first=float(values[at]),
            second=float(values[at + 1]),
            stored=float(stored[at]),
            lost=len(same),
            of=len(values),
        )

    def _choose(self, values: np.ndarray) -> np.ndarray:
        """Choose by the values' bits, so that the sample is the same in whatever order they come."""
        if not self._level:
            return values
        hashed = (values.view(np.uint64) * _MIX) >> np.uint64(64 - self._level)
        return values[hashed == 0]


def _is_too_much(values: np.ndarray, lost: float) -> bool:
    low, high = np.quantile(values, (0.25, 0.75), method="nearest")
    if np.quantile(np.abs(values), 0.25) >= LARGE and lost > MOST_LOST_OF_LARGE:
        return True
    step = np.spacing(np.float32(max(abs(low), abs(high))))
    return (lost > MOST_LOST and high - low < FEWEST_STEPS * step) or _crowded_share(values) > MOST_CROWDED


def _crowded_share(values: np.ndarray) -> float:
    """Share of sorted values, float64 [different values], with which a crowd begins."""
    apart = values[np.diff(values, prepend=-np.inf) > NOISE * np.abs(values)]
    if len(apart) <= CROWD:
        return 0.0
    low, high = apart[:-CROWD], apart[CROWD:]
    steps = np.spacing(np.maximum(np.abs(low), np.abs(high)).astype(np.float32))
    return float(np.count_nonzero(high - low < CROWD_STEPS * steps)) / len(values)
