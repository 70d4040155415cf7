"""What chance alone does when rows are split: the thresholds of a new contract stand where it hardly ever gets.

Each row goes to eval by itself, with the same probability. So of a column's rows with a value, those with one value and
those with another are two independent binomial counts, and how far a value's share differs between the splits has a
distribution that can be added up, cell by cell: no normal approximation, which a column of twenty values would mock.
"""

import functools
import math

import numpy as np

from components.csv_example_gen.row_split import EVAL_SHARE

FALSE_ALARMS = 0.01  # of random splits that the rules of a whole contract may refuse, all columns together
LEAST_THRESHOLD = 0.1  # of a value's share: less is no drift that anybody would act on
MOST_THRESHOLD = 0.5  # … and a rule that lets more than this pass sees nothing

_STEPS = 100  # thresholds are whole hundredths
_MANY = 5_000  # rows; from here on the least threshold is seven standard errors away
_WINDOW = 6.0  # standard deviations of a count that are added up: what lies beyond is one in 500 million


def propose_threshold(counts: tuple[int, ...], budget: float) -> float | None:
    """Proposes the largest difference of a value's share between train and eval rows that chance explains.

    The distance is TFDV's L-infinity: the largest difference of any value's share, among the rows that have a value.

    Args:
        counts: rows with each value.
        budget: the probability, 0 to 1, that a random split goes beyond it.

    Returns:
        0.1 to 0.5, in hundredths; None where chance goes further, or leaves a split without any value too often.
    """
    present = sum(counts)
    if present >= _MANY:
        return LEAST_THRESHOLD
    empty = EVAL_SHARE**present + (1 - EVAL_SHARE) ** present  # to TFDV then all shares are 0, or the column is missing
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
    """Returns the probability that a random split has half of a column's share of values, or less, on either side.

    Args:
        present: rows with a value.
        rows: all of them.
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
    """Returns the probability that more than a share of the values of other rows is unknown.

    Of rows drawn like these, as many as eval has. How probable an unknown value is tells the share of values that
    occur once: Good, "The population frequencies of species and the estimation of population parameters", 1953.

    Args:
        counts: rows with each value.
        most: the share, 0 to 1.
    """
    present = sum(counts)
    rows = round(present * EVAL_SHARE)
    unknown = (counts.count(1) + 0.5) / (present + 1)  # the half as in Jeffreys' prior: no count of 0 proves anything
    if present >= _MANY:
        return float(unknown > most)
    return float(_binomial(rows, np.arange(math.floor(most * rows) + 1, rows + 1), unknown).sum())


@functools.cache
def _beyond_steps(present: int, count: int) -> np.ndarray:
    """The probability that a value's share differs by more than 0, 0.01, …, 1 between the splits, [101].

    Args:
        present: rows with any value.
        count: rows with this one.
    """
    of_it, of_others = _window(count), _window(present - count)
    probability = np.outer(_binomial(count, of_it), _binomial(present - count, of_others))
    evaluated = of_it[:, None] + of_others
    trained = present - evaluated
    both = (evaluated > 0) & (trained > 0)
    evaluation = of_it[:, None] / np.maximum(evaluated, 1)
    training = (count - of_it[:, None]) / np.maximum(trained, 1)
    # Rounded before: a difference of exactly 0.35 is not beyond 0.35.
    step = np.ceil(np.round(_STEPS * np.abs(evaluation - training), 9)).astype(np.int64)
    within = np.bincount(step[both], weights=probability[both], minlength=_STEPS + 1)
    return np.maximum(within.sum() - np.cumsum(within), 0.0)


def _window(rows: int) -> np.ndarray:
    """The counts of rows in eval that are worth adding up, of so many."""
    reach = _WINDOW * math.sqrt(rows * EVAL_SHARE * (1 - EVAL_SHARE)) + 1
    return np.arange(max(0, math.floor(rows * EVAL_SHARE - reach)), min(rows, math.ceil(rows * EVAL_SHARE + reach)) + 1)


def _binomial(rows: int, counts: np.ndarray, probability: float = EVAL_SHARE) -> np.ndarray:
    """The probability of each count of rows, where each row counts with a probability: that of being in eval."""
    ways = math.lgamma(rows + 1) - np.array([math.lgamma(k + 1) + math.lgamma(rows - k + 1) for k in counts])
    return np.exp(ways + counts * math.log(probability) + (rows - counts) * math.log1p(-probability))
