"""Which columns tell of one another."""

import numpy as np
import pytest

from pipelines.attribution.associations import find_associations, measure_association

GENERATOR = np.random.default_rng(9)
HOURS = GENERATOR.integers(0, 12, 1000)


def test_a_column_that_another_decides() -> None:
    assert measure_association(HOURS, HOURS // 6) == pytest.approx(1, abs=0.01)
    assert measure_association(HOURS // 6, HOURS) == pytest.approx(1, abs=0.01)


def test_what_few_rows_share_by_chance_does_not_count() -> None:
    shares = [
        measure_association(generator.integers(0, 12, 300), generator.integers(0, 12, 300))
        for generator in map(np.random.default_rng, range(20))
    ]
    assert np.mean(shares) < 0.02


def test_a_column_with_one_value_tells_nothing() -> None:
    assert measure_association(HOURS, np.zeros(1000, int)) == 0
    assert measure_association(HOURS[:0], HOURS[:0]) == 0


def test_the_strongest_pair_comes_first() -> None:
    noisy = np.where(GENERATOR.random(1000) < 0.15, GENERATOR.integers(0, 12, 1000), HOURS)
    groups = {"noisy": noisy, "hour": HOURS, "other": GENERATOR.integers(0, 12, 1000), "half": HOURS // 6}
    found = find_associations(groups)
    assert [pair[:2] for pair in found] == [("hour", "half"), ("noisy", "hour"), ("noisy", "half")]
    assert found[0][2] > found[1][2] > 0.5
