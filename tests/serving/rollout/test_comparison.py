"""The figures of a comparison, and what its verdict lets through."""

import dataclasses

import pytest

from serving.rollout import comparison
from serving.rollout.admin_client import TimedPrediction
from serving.rollout.comparison import ComparisonFigures, PredictionPair, VerdictLimits

GOOD = ComparisonFigures(
    requests=100, rows=200, stable_errors=1, canary_errors=1, mean_difference=0.05, p95_difference=0.2,
    max_difference=1, changed_decisions=0.05, stable_p50_ms=1, stable_p95_ms=10, canary_p50_ms=2, canary_p95_ms=20,
    deviation=None,
)  # fmt: skip


def answer(*predictions: float, ms: float = 1) -> TimedPrediction:
    return TimedPrediction([[prediction] for prediction in predictions], ms / 1000)


def test_figures() -> None:
    found = comparison.figures(
        [
            PredictionPair(stable=answer(0.4, 0.5, ms=10), canary=answer(0.4, 0.4, ms=20)),
            PredictionPair(stable=answer(0.9, ms=20), canary=answer(0.6, ms=40)),
            PredictionPair(stable="HTTP 500", canary=answer(0.1, ms=1000)),
            PredictionPair(stable=answer(0.1, ms=1000), canary="HTTP 500"),
            PredictionPair(stable=answer(0.1, ms=1000), canary="HTTP 400"),
        ],
        threshold=0.5,
    )
    assert (found.requests, found.rows, found.stable_errors, found.canary_errors) == (5, 3, 1, 2)
    assert found.mean_difference == pytest.approx((0.1 + 0.3) / 3)
    assert found.max_difference == pytest.approx(0.3)
    assert found.p95_difference == pytest.approx(0.28)  # 0.1 + 0.9 * (0.3 - 0.1)
    assert found.changed_decisions == pytest.approx(1 / 3)
    assert (found.stable_p50_ms, found.canary_p50_ms) == (pytest.approx(15), pytest.approx(30))
    assert (found.stable_p95_ms, found.canary_p95_ms) == (pytest.approx(19.5), pytest.approx(39))


def test_limits_of_numbers_follow_the_spread_of_the_stable_version() -> None:
    rents = [800.0, 1000.0, 1200.0, 1400.0]  # their standard deviation is 223.6
    pairs = [PredictionPair(stable=answer(rent), canary=answer(rent + 30)) for rent in rents]
    found = comparison.figures(pairs, threshold=None)
    checks = [str(check) for check in comparison.verdict(found, VerdictLimits(min_rows=4))]
    assert checks == [
        "rows 4, at least 4", "failed requests 0, at most 0", "mean difference 30, at most 44.72",
        "p95 difference 30, at most 178.9", "largest difference 30, no limit", "p95 latency in ms 1, at most 6.5",
    ]  # fmt: skip
    assert [check.name for check in comparison.verdict(found, VerdictLimits(min_rows=4, mean_difference=29))
            if not check.passed] == ["mean difference"]  # fmt: skip
    assert comparison.figures(pairs, threshold=1010).changed_decisions == 0.25


def test_several_outputs_differ_by_their_largest_difference_and_decide_by_their_largest() -> None:
    pair = PredictionPair(stable=TimedPrediction([[0.1, 0.6, 0.3]], 1), canary=TimedPrediction([[0.2, 0.3, 0.5]], 1))
    found = comparison.figures([pair], threshold=0.5)
    assert found.mean_difference == pytest.approx(0.3)
    assert found.changed_decisions == 1


def test_a_canary_with_other_outputs_fails() -> None:
    pair = PredictionPair.of(TimedPrediction([[0.1], [0.2]], 1), TimedPrediction([[0.1, 0.9], [0.2, 0.8]], 1))
    assert pair.canary == "expected 1 outputs per row, as the stable version returns; received 2"
    found = comparison.figures([pair], threshold=0.5)
    assert (found.rows, found.stable_errors, found.canary_errors) == (0, 0, 1)
    assert PredictionPair.of(answer(0.1), answer(0.2)) == PredictionPair(stable=answer(0.1), canary=answer(0.2))
    assert PredictionPair.of("HTTP 500", answer(0.2)) == PredictionPair(stable="HTTP 500", canary=answer(0.2))


def test_nothing_answered() -> None:
    found = comparison.figures([PredictionPair(stable="no", canary="no")], threshold=0.5)
    assert (found.rows, found.mean_difference, found.changed_decisions, found.canary_p95_ms) == (0, 0, 0, 0)
    assert [check.name for check in comparison.verdict(found, VerdictLimits()) if not check.passed] == ["rows"]


@pytest.mark.parametrize(("one", "other", "changed"), [(0.5, 0.49, 1), (0.5, 0.51, 0), (0.49, 0.1, 0)])
def test_a_decision_is_positive_from_the_threshold_on(one: float, other: float, changed: float) -> None:
    assert (
        comparison.figures([PredictionPair(stable=answer(one), canary=answer(other))], 0.5).changed_decisions == changed
    )


def test_figures_at_their_limits_pass() -> None:
    assert [str(check) for check in comparison.verdict(GOOD, VerdictLimits()) if not check.passed] == []


@pytest.mark.parametrize(("field", "value", "words"), [
    ("rows", 99, "rows 99, at least 100"),
    ("canary_errors", 2, "failed requests 2, at most 1"),
    ("mean_difference", 0.051, "mean difference 0.051, at most 0.05"),
    ("p95_difference", 0.21, "p95 difference 0.21, at most 0.2"),
    ("max_difference", 1.5, "largest difference 1.5, at most 1"),
    ("changed_decisions", 0.06, "changed decisions 0.06, at most 0.05"),
    ("canary_p95_ms", 20.1, "p95 latency in ms 20.1, at most 20"),
])  # fmt: skip
def test_each_limit_is_held(field: str, value: float, words: str) -> None:
    checks = comparison.verdict(dataclasses.replace(GOOD, **{field: value}), VerdictLimits())
    assert [str(check) for check in checks if not check.passed] == [words]


@pytest.mark.parametrize(("numbers", "percent", "expected"), [
    ([], 95, 0), ([7], 95, 7), ([1, 2], 50, 1.5), (list(range(101)), 95, 95), ([0, 10], 95, 9.5),
])  # fmt: skip
def test_percentile(numbers: list[float], percent: int, expected: float) -> None:
    assert comparison.percentile(numbers, percent) == pytest.approx(expected)
