"""Measure what a column loses when its FLOAT values are stored as float32.

float32 keeps 24 bits, so a relative error is at most 6e-8, which does not matter to a model. But if all values of a
column are far from 0 and close to each other (seconds since 1970 with a fraction, amounts of nine digits with cents,
ids with a fraction), the bits are used for what all values share, and different values become equal.

A column is refused if different values become equal, and do so more often than in a column of well spread values. Of
its different values, or of a uniform sample of 10,000 of them:

  * more than 1 in 100 become equal to another, and the middle half spans fewer than 1,000 steps of float32. A step is
    then more than 0.1% of the difference between typical rows. Coordinates within a city span at least 5,000 steps;
  * or more than 1 in 1,000 do, and three quarters of the values are at least 2^24 in size, where float32 cannot even
    represent every whole number. Ten thousand values spread over a power of ten lose 1 in 2,000 by chance (the birthday
    problem, with 2^23 steps between a number and its double);
  * or more than 1 in 10 begin a crowd: CROWD values within CROWD_STEPS steps, that is 5 per step, as when 5,000 values
    span 1,000 steps. This detects 7,000 times of one hour among 3,000 shares from 0 to 1, which widen the middle half.
    Values that differ by a factor of NOISE or less count as one here: they may be one sum in two orders.

A column of values such as 0.1, which float32 stores as 0.100000001, is not refused.
"""

import dataclasses

import numpy as np

FLOAT32_ERRORS_PROPERTY = "float32_errors"  # custom property of the Examples: JSON, relative_error by FLOAT column
SAMPLE = 10_000  # most different values that are kept
FEWEST_STEPS = 1_000
MOST_LOST, MOST_LOST_OF_LARGE = 1 / 100, 1 / 1_000
LARGE = 2.0**24
CROWD, CROWD_STEPS, MOST_CROWDED = 50, 10, 1 / 10
NOISE = 2.0**-44  # relative; 256 steps of a double. For times since 1970, a millisecond is ten times as much
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: Knuth's multiplicative hash


@dataclasses.dataclass(frozen=True, kw_only=True)
class PrecisionLoss:
    """Two different values of a column that become equal as float32, and how many do."""

    first: float
    second: float
    stored: float  # the float32 of both
    lost: int  # number of values that become equal to another
    of: int  # number of different values, at most SAMPLE


class Float32Precision:
    """Measures a column batch by batch, in memory that does not grow with its rows."""

    def __init__(self) -> None:
        self._sample: set[float] = set()
        self._level = 0  # only values whose hash begins with so many zero bits are kept
        self._largest_error = 0.0
        self._least, self._greatest = np.inf, -np.inf

    def add(self, values: np.ndarray) -> None:
        """Add values, float64 [rows], NaN for missing ones."""
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
        """Return the largest difference between a value and its float32, divided by the column's range."""
        span = self._greatest - self._least
        return self._largest_error / float(span) if self._largest_error and span > 0 else 0.0

    def find_loss(self) -> PrecisionLoss | None:
        """Return an example and the number of lost values if they are too many by the rules above; else None."""
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
        """Return the values to keep, chosen by their bits, so that the sample does not depend on their order."""
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
    """Return the share of values that begin a crowd; they are sorted and different, float64 [values]."""
    apart = values[np.diff(values, prepend=-np.inf) > NOISE * np.abs(values)]
    if len(apart) <= CROWD:
        return 0.0
    low, high = apart[:-CROWD], apart[CROWD:]
    steps = np.spacing(np.maximum(np.abs(low), np.abs(high)).astype(np.float32))
    return float(np.count_nonzero(high - low < CROWD_STEPS * steps)) / len(values)
