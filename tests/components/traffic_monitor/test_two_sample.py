"""The tests of two samples: against SciPy's, and against what chance gives."""

import numpy as np
import pytest
from scipy import stats

from components.traffic_monitor import two_sample
from components.traffic_monitor.pooled import pool

DRAW = np.random.default_rng(7)


def test_chi_square_is_pearsons() -> None:
    first, second = np.array([30, 50, 20]), np.array([310, 420, 270])
    expected = stats.chi2_contingency(np.stack([first, second]), correction=False).pvalue
    assert two_sample.chi_square(first, second) == pytest.approx(expected)


def test_chi_square_leaves_out_cells_that_no_row_is_in() -> None:
    with_empty = two_sample.chi_square(np.array([30, 0, 70]), np.array([400, 0, 600]))
    assert with_empty == pytest.approx(two_sample.chi_square(np.array([30, 70]), np.array([400, 600])))


def test_fisher_doubles_the_smaller_side() -> None:
    assert two_sample.fisher(8, 10, 1, 10) == pytest.approx(2 * stats.fisher_exact([[8, 2], [1, 9]], "greater").pvalue)
    assert two_sample.fisher(0, 100, 0, 1000) == 1


def test_kolmogorov_smirnov_is_scipys() -> None:
    draw = np.random.default_rng(8)
    first, second = draw.normal(0, 1, 300), draw.normal(0.1, 1, 2000)
    expected = stats.ks_2samp(first, second, method="asymp")
    distance, p_value = two_sample.kolmogorov_smirnov(pool(first, second))
    assert distance == pytest.approx(expected.statistic)
    # SciPy's has a correction for small samples that makes it a little smaller.
    assert p_value == pytest.approx(expected.pvalue, rel=0.15)


def test_unseen_counts_rows_of_values_that_the_other_lacks() -> None:
    first, second = np.array([1, 1, 2, 3, 9, 9]), np.array([1, 2, 2, 3] * 25)
    found, p_value = two_sample.unseen(pool(first, second))
    assert found == 2
    # Both rows of one value among 6 of 106 rows by chance: (6/106)².
    assert p_value == pytest.approx((6 / 106) ** 2, rel=0.01)


def test_a_single_copy_has_the_chance_of_a_pair() -> None:
    first, second = np.array([1, 1, 2, 3]), np.arange(10, 106)
    assert two_sample.copies(pool(first, second)) == (1, pytest.approx((4 / 100) ** 2, rel=0.01))


@pytest.mark.parametrize("test", [two_sample.unseen, two_sample.copies, two_sample.spike])
def test_what_counts_values_is_never_too_sure(test: object) -> None:
    """Of 400 windows of rare values, at most as many as the p-value says are below it, but for chance."""
    values = DRAW.zipf(1.6, 2400) % 5000
    below = 0
    for _ in range(400):
        DRAW.shuffle(values)
        below += test(pool(values[:400], values[400:]))[1] <= 0.05  # type: ignore[operator]
    assert below <= 33  # 20 on average if it were exact; 33 or more once in 400 times


def test_a_spike_is_the_value_that_is_too_frequent() -> None:
    first = np.concatenate([np.zeros(30), DRAW.random(970)])
    second = np.concatenate([np.zeros(20), DRAW.random(9980)])
    place, p_value = two_sample.spike(pool(first, second))
    assert place == 0
    assert p_value < 1e-10
