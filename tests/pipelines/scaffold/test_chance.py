"""What chance does, against every split there is of a few rows."""

import itertools
import math

import pytest

from pipelines.scaffold.baseline import EVAL_SHARE
from pipelines.scaffold.chance import halving_probability, propose_threshold, surprise_probability

EMPTY = math.inf


def all_splits(values: str) -> list[tuple[float, str, str]]:
    """Probability, train and eval of every split of the rows."""
    found = []
    for sides in itertools.product((False, True), repeat=len(values)):
        train, evaluation = (
            "".join(v for v, s in zip(values, sides, strict=True) if s is side) for side in (False, True)
        )
        found.append((EVAL_SHARE ** len(evaluation) * (1 - EVAL_SHARE) ** len(train), train, evaluation))
    return found


def distance(train: str, evaluation: str) -> float:
    """L-infinity."""
    if not (train and evaluation):
        return EMPTY
    return max(abs(train.count(v) / len(train) - evaluation.count(v) / len(evaluation)) for v in train + evaluation)


@pytest.mark.parametrize("budget", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_a_threshold_is_the_least_that_chance_keeps_to(budget: float) -> None:
    splits = [(p, distance(*two)) for p, *two in all_splits("aaaaaabbbbbb")]
    empty = sum(p for p, found in splits if found == EMPTY)

    def beyond(threshold: float) -> float:
        # The two values' shares differ by the same, and the bound adds up both.
        return empty + 2 * sum(p for p, found in splits if EMPTY > found > threshold + 1e-9)

    allowed = [step / 100 for step in range(10, 51) if beyond(step / 100) <= budget]
    assert propose_threshold((6, 6), budget) == (allowed[0] if allowed else None)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((3, 3), None), ((12, 12), None), ((75, 75), 0.32), ((300, 300), 0.16), ((1500, 1500), 0.1), ((10**6, 1), 0.1)],
)
def test_thresholds_of_a_task_with_twenty_rules(counts: tuple[int, ...], expected: float | None) -> None:
    assert propose_threshold(counts, 0.01 / 20) == expected


def test_half_of_a_columns_values() -> None:
    splits = all_splits("vvvvv------")
    expected = sum(
        p * sum(2 * side.count("v") * 11 <= 5 * len(side) for side in (train, evaluation))
        for p, train, evaluation in splits
    )
    assert halving_probability(5, 11) == pytest.approx(expected)
    assert halving_probability(300, 600) < 1e-9


def test_values_that_nobody_has_seen_yet() -> None:
    # Of 30 rows 2 have a value of their own: another row has an unknown one with probability 2.5 / 31; of ten rows one.
    assert surprise_probability((1, 1, 28), 0.05) == pytest.approx(1 - (28.5 / 31) ** 10)
    assert surprise_probability((20_000, 10_000), 0.05) == 0
