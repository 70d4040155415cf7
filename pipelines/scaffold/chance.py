"""Compute how far the train and eval splits differ by chance, so that a new contract's rules rarely fail by chance.

Each row goes to eval independently, with the same probability. So the number of eval rows with one value and the number
with any other value are independent binomial counts. Their joint distribution is summed exactly: a normal approximation
would be wrong for a column with twenty values.
"""

import functools
import math

import numpy as np

from components.csv_example_gen.row_split import EVAL_SHARE

FALSE_ALARMS = 0.01  # share of random splits that all rules of a contract together may refuse
LEAST_THRESHOLD = 0.1  # difference of a value's share; a smaller drift needs no action
MOST_THRESHOLD = 0.5  # difference of a value's share; a larger threshold would detect nothing

_STEPS = 100  # thresholds are whole hundredths
_MANY = 5_000  # rows; with this many LEAST_THRESHOLD is about seven standard errors or more
_WINDOW = 6.0  # standard deviations of a count that are summed; the rest has a probability of one in 500 million


def propose_threshold(counts: tuple[int, ...], budget: float) -> float | None:
    """Propose a threshold for the comparators of a column: random splits exceed it with probability `budget` at most.

    The distance is TFDV's L-infinity: the largest difference of any value's share, among the rows that have a value.

    Args:
        counts: Rows with each value, in a fixed order.
        budget: Probability, 0 to 1, that a random split exceeds the threshold.

    Returns:
        0.1 to 0.5, in hundredths. None if it would have to be larger, or if a split has no value at all too often.

    Example:
        >>> propose_threshold((300, 300), budget=0.01)
        0.13
        >>> propose_threshold((3, 3), budget=0.01) is None
        True
    """
    present = sum(counts)
    if present >= _MANY:
        return LEAST_THRESHOLD
    # TFDV takes all shares of an empty split for 0, or the column for missing: always beyond the threshold.
    empty = EVAL_SHARE**present + (1 - EVAL_SHARE) ** present
    different, times = np.unique(counts, return_counts=True)
    beyond = empty + sum(
        times * _beyond_steps(present, int(count)) for count, times in zip(different, times, strict=True)
    )
    (allowed,) = np.nonzero(beyond <= budget)
    if not len(allowed):
        return None
    threshold = max(LEAST_THRESHOLD, int(allowed[0]) / _STEPS)
    return threshold if threshold <= MOST_THRESHOLD else None


def halving_probability(present: int, rows: int) -> float:
    """Return the probability that in one split the share of rows with a value is at most half of that in all rows.

    Args:
        present: Rows with a value.
        rows: All rows.
    """
    if present >= _MANY:
        return 0.0
    with_value, without = _window(present), _window(rows - present)
    probability = np.outer(_binomial(present, with_value), _binomial(rows - present, without))
    total = 0.0
    for found, others in ((with_value, without), (present - with_value, rows - present - without)):
        split = found[:, None] + others
        total += float(probability[2 * found[:, None] * rows <= present * split].sum())
    return total


def surprise_probability(counts: tuple[int, ...], most: float) -> float:
    """Return the probability that more than `most` of the values in an eval split of new rows are unknown.

    The probability of one unknown value is estimated by the share of values that occur once: Good, "The population
    frequencies of species and the estimation of population parameters", 1953.

    Args:
        counts: Rows with each value.
        most: Share, 0 to 1.
    """
    present = sum(counts)
    rows = round(present * EVAL_SHARE)
    unknown = (counts.count(1) + 0.5) / (present + 1)  # 0.5 as in Jeffreys' prior, so that it is never 0
    if present >= _MANY:
        return float(unknown > most)
    return float(_binomial(rows, np.arange(math.floor(most * rows) + 1, rows + 1), unknown).sum())


@functools.cache
def _beyond_steps(present: int, count: int) -> np.ndarray:
    """Return the probabilities that a value's share differs by more than 0, 0.01, …, 1 between the splits, [101].

    Args:
        present: Rows with any value.
        count: Rows with this value.
    """
    of_it, of_others = _window(count), _window(present - count)
    probability = np.outer(_binomial(count, of_it), _binomial(present - count, of_others))
    evaluated = of_it[:, None] + of_others
    trained = present - evaluated
    both = (evaluated > 0) & (trained > 0)
    evaluation = of_it[:, None] / np.maximum(evaluated, 1)
    training = (count - of_it[:, None]) / np.maximum(trained, 1)
    # Rounded first, so that a difference of exactly 0.35 does not exceed 0.35.
    step = np.ceil(np.round(_STEPS * np.abs(evaluation - training), 9)).astype(np.int64)
    within = np.bincount(step[both], weights=probability[both], minlength=_STEPS + 1)
    return np.maximum(within.sum() - np.cumsum(within), 0.0)


def _window(rows: int) -> np.ndarray:
    """Return the counts of eval rows, of `rows` rows, whose probability is not negligible."""
    reach = _WINDOW * math.sqrt(rows * EVAL_SHARE * (1 - EVAL_SHARE)) + 1
    return np.arange(max(0, math.floor(rows * EVAL_SHARE - reach)), min(rows, math.ceil(rows * EVAL_SHARE + reach)) + 1)


def _binomial(rows: int, counts: np.ndarray, probability: float = EVAL_SHARE) -> np.ndarray:
    """Return the binomial probability of each count of `rows` rows; by default of rows in eval."""
    ways = math.lgamma(rows + 1) - np.array([math.lgamma(k + 1) + math.lgamma(rows - k + 1) for k in counts])
    return np.exp(ways + counts * math.log(probability) + (rows - counts) * math.log1p(-probability))
