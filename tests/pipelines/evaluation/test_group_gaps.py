"""Gaps between groups: those that were planted are clear, those of chance are not, small groups are left out."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from pipelines.evaluation.group_gaps import estimate_gap, measure_gaps
from pipelines.task_definition.problem import BINARY, MULTICLASS, REGRESSION

ROWS = 4000
GENERATOR = np.random.default_rng(9)
LABELS = GENERATOR.integers(0, 2, ROWS)
SCORES = np.clip(0.5 + 0.3 * (LABELS - 0.5) + GENERATOR.normal(0, 0.2, ROWS), 0, 1)
CITY = GENERATOR.integers(0, 10, ROWS)
GROUPS = {f"city = {number}": number == CITY for number in range(10)}


def test_a_group_that_is_selected_more_often_is_found_and_no_other() -> None:
    scores = np.where(GROUPS["city = 3"], SCORES + 0.2, SCORES)
    gaps = measure_gaps(BINARY, LABELS, scores, GROUPS, threshold=0.5, min_rows=30)
    assert len(gaps) == 40, "ten groups, four measures"
    assert {one.group for one in gaps if one.is_clear} == {"city = 3"}
    rate = next(one for one in gaps if one.group == "city = 3" and one.measure == "selection rate")
    inside = GROUPS["city = 3"]
    assert rate.rows == inside.sum()
    assert rate.value == pytest.approx((scores[inside] >= 0.5).mean())
    assert rate.gap.value == pytest.approx((scores[inside] >= 0.5).mean() - (scores[~inside] >= 0.5).mean())


def test_chance_alone_makes_no_clear_gap() -> None:
    gaps = measure_gaps(BINARY, LABELS, SCORES, GROUPS, threshold=0.5, min_rows=30)
    assert [one.group for one in gaps if one.is_clear] == []


def test_more_groups_widen_the_intervals() -> None:
    one = measure_gaps(REGRESSION, LABELS, SCORES, {"a": GROUPS["city = 1"]}, threshold=0.5, min_rows=30)
    many = measure_gaps(REGRESSION, LABELS, SCORES, {"a": GROUPS["city = 1"], **GROUPS}, threshold=0.5, min_rows=30)
    assert many[0].gap.value == one[0].gap.value
    assert many[0].gap.high - many[0].gap.low > 1.2 * (one[0].gap.high - one[0].gap.low)


def test_rates_count_the_rows_that_they_are_of() -> None:
    inside = np.zeros(ROWS, bool)
    inside[np.flatnonzero(LABELS == 0)[:40]] = True
    gaps = measure_gaps(BINARY, LABELS, SCORES, {"a": inside}, threshold=0.5, min_rows=30)
    assert [one.measure for one in gaps] == [
        "selection rate", "false positive rate", "mean prediction less mean label"
    ], "the group has no positive row"  # fmt: skip


def test_a_group_of_few_rows_is_left_out() -> None:
    inside = np.arange(ROWS) < 29
    assert measure_gaps(REGRESSION, LABELS, SCORES, {"a": inside}, threshold=0.5, min_rows=30) == []


def test_errors_have_a_direction_and_a_size() -> None:
    inside = np.arange(ROWS) < 400
    predictions = LABELS + np.where(inside, np.where(np.arange(ROWS) % 2, 1.0, -1.0), 0.1)
    error, absolute = measure_gaps(REGRESSION, LABELS, predictions, {"a": inside}, threshold=0.5, min_rows=30)
    assert (error.gap.value, absolute.gap.value) == (pytest.approx(-0.1), pytest.approx(0.9))
    assert absolute.is_clear


def test_several_classes_are_compared_by_accuracy() -> None:
    predictions = np.eye(3)[np.where(np.arange(ROWS) < 400, 2, LABELS)]
    (one,) = measure_gaps(MULTICLASS, LABELS, predictions, {"a": np.arange(ROWS) < 400}, threshold=0.5, min_rows=30)
    assert (one.value, one.gap.value) == (0.0, -1.0)


def test_intervals_of_shares_are_those_of_the_literature() -> None:
    # Newcombe 1998, table II: 56 of 70 less 48 of 80, and 9 of 10 less 3 of 10, by method 10.
    for (one, of), (other, of_other), low, high in (
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ):
        ours, others = (np.arange(of) < one).astype(float), (np.arange(of_other) < other).astype(float)
        found = estimate_gap(ours, others, 0.95)
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_intervals_of_means_are_those_of_welch() -> None:
    ours, others = GENERATOR.normal(1, 2, 40), GENERATOR.normal(0, 1, 300)
    found = estimate_gap(ours, others, 0.99)
    expected = ttest_ind(ours, others, equal_var=False).confidence_interval(0.99)
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_a_small_group_without_a_miss_is_not_certain() -> None:
    labels, scores = np.ones(2000), np.where(np.arange(2000) % 14, 0.9, 0.1)
    inside = np.isin(np.arange(2000), np.flatnonzero(scores > 0.5)[:30])
    gaps = measure_gaps(BINARY, labels, scores, {"a": inside}, threshold=0.5, min_rows=30)
    assert next(one for one in gaps if one.measure == "true positive rate").value == 1.0
    assert not any(one.is_clear for one in gaps if one.measure != "mean prediction less mean label")
