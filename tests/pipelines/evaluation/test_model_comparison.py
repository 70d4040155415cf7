"""Better, worse or a tie: how often each is said of models that are known to be so, and what margins allow."""

import re

import numpy as np
import pytest

from pipelines.evaluation.comparison_words import describe_comparison, describe_outcome
from pipelines.evaluation.model_comparison import (
    BETTER,
    FIRST,
    TIE,
    WORSE,
    ModelComparison,
    compare_models,
    comparison_as_dict,
    comparison_from_dict,
)
from pipelines.evaluation.row_predictions import RowPredictions, RowsDigest, read_predictions, write_predictions
from pipelines.task_definition.scoping import Comparison, Guard

ROWS = 1000


def agreed(**changes: object) -> Comparison:
    said = {"metric": "MeanAbsoluteError", "not_worse_than": 0.1, "not_worse_than_best": 0.2, "reason": ""}
    return Comparison(**{**said, **changes})


def of_rows(labels: np.ndarray, predictions: np.ndarray, **slices: np.ndarray) -> RowPredictions:
    return RowPredictions(rows_digest="", labels=labels, predictions=predictions, slices=slices)


def compare_errors(new: np.ndarray, *old: np.ndarray, rule: Comparison | None = None) -> ModelComparison:
    """Compares models by their absolute errors, [rows] each; of the old ones the last pushed comes first."""
    labels = np.zeros(len(new))
    return compare_models(rule or agreed(), of_rows(labels, new), {f"model {i}": one for i, one in enumerate(old)})


def test_models_that_are_equally_good_are_called_better_as_seldom_as_agreed() -> None:
    outcomes = []
    for seed in range(1000):
        errors = np.random.default_rng(seed).exponential(size=(2, ROWS))
        outcomes.append(compare_errors(*errors).outcome)
    # An interval of 95% leaves 2.5% on either side; three standard errors of 1,000 draws are 1.5%.
    assert outcomes.count(BETTER) / 1000 == pytest.approx(0.025, abs=0.015)
    assert outcomes.count(WORSE) / 1000 == pytest.approx(0.025, abs=0.015)


def test_a_model_that_is_better_by_four_standard_errors_is_found_nearly_always() -> None:
    found = []
    for seed in range(200):
        old, noise = np.random.default_rng(seed).normal(loc=5.0, size=(2, ROWS))
        found.append(compare_errors(old - 4 / np.sqrt(ROWS) + (noise - 5), old).outcome)
    assert found.count(BETTER) / 200 == pytest.approx(0.98, abs=0.03)  # Phi(4 - 1.96)


def test_an_interval_of_unlike_rows_is_students() -> None:
    found = compare_errors(np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 1.0])).differences[0]
    # Differences 0, 1, 3: mean 4/3, standard error sqrt(7/3)/sqrt(3), Student's t of 2 degrees at 97.5% 4.302653.
    reach = 4.302653 * np.sqrt(7 / 9)
    assert (found.value, found.low, found.high) == pytest.approx((4 / 3, 4 / 3 - reach, 4 / 3 + reach))


def test_one_row_says_nothing() -> None:
    found = compare_errors(np.array([1.0]), np.array([2.0]))
    assert (found.outcome, found.within_margins) == (TIE, False)


def test_the_first_model_has_nothing_to_be_compared_with() -> None:
    assert compare_errors(np.ones(ROWS)).outcome == FIRST


def test_a_first_model_after_others_whose_models_are_gone_says_so() -> None:
    found = compare_errors(np.ones(ROWS))
    assert describe_outcome(found, {}) == "no model was pushed before: nothing to compare with"
    assert "the newest was 1796" in describe_outcome(found, {"model 1": "1795", "model 2": "1796"})


def test_a_metric_that_is_undefined_is_a_tie_and_said_to_be_undefined() -> None:
    ones = of_rows(np.ones(ROWS), np.linspace(0, 1, ROWS))  # all labels are the same: no ROC AUC
    found = compare_models(agreed(metric="AUC"), ones, {"old": np.linspace(1, 0, ROWS)})
    assert (found.outcome, found.within_margins) == (TIE, False)
    assert describe_outcome(found, {"old": "17"}) == "not distinguishable from 17: auc is undefined on these rows"


@pytest.mark.parametrize(
    ("shift", "margin", "outcome", "within"),
    [
        (-0.05, 0.1, BETTER, True),
        (0.05, 0.1, WORSE, True),  # surely worse: it is not for a margin to push it
        (0.0, 0.1, TIE, True),
        (0.0, 0.001, TIE, False),  # a tie that may be worse by more than was agreed
    ],
)
def test_what_decides(shift: float, margin: float, outcome: str, within: bool) -> None:
    old = np.full(ROWS, 5.0)
    found = compare_errors(old + shift + np.resize([-0.1, 0.1], ROWS), old, rule=agreed(not_worse_than=margin))
    assert (found.outcome, found.within_margins) == (outcome, within)


def test_a_model_that_is_surely_worse_is_not_said_to_keep_its_margin() -> None:
    old = np.full(ROWS, 5.0)
    found = compare_errors(old + 0.05 + np.resize([-0.01, 0.01], ROWS), old)
    assert (found.outcome, found.within_margins) == (WORSE, True)
    assert describe_comparison(found, {})[1] == (
        "mean_absolute_error changes by +0.0500 (+0.0494 to +0.0506): refused, since the whole interval is on the "
        "worse side; the margin of 0.1 applies only if the interval contains 0"
    )


def test_small_steps_do_not_add_up() -> None:
    noise = np.resize([-0.1, 0.1], ROWS)
    best = np.full(ROWS, 5.0)
    last = best + 0.19  # no step was larger than its margin
    new = last + noise * 0.1
    one_step = compare_errors(new, last)
    assert (one_step.outcome, one_step.within_margins) == (TIE, True)
    found = compare_errors(new + 0.05 * (noise < 0), last, last, best)
    assert found.outcome == WORSE
    assert (found.differences[-1].against, found.differences[-1].model) == ("best", "model 2")


def test_better_overall_and_worse_where_it_matters_is_not_better() -> None:
    labels = np.zeros(ROWS)
    noise = np.random.default_rng(1).normal(scale=0.05, size=ROWS)
    few = np.arange(ROWS) < 200
    old, new = np.full(ROWS, 5.0), np.where(few, 5.3, 4.0) + noise
    guard = Guard(metric="MeanAbsoluteError", not_worse_than=0.1, reason="", slice={"place": "north"})
    candidate = of_rows(labels, new, **{"place = north": few})
    found = compare_models(agreed(others=(guard,)), candidate, {"old": old})
    assert found.outcome == WORSE
    assert describe_outcome(found, {"old": "17"}).startswith(
        "worse than 17: mean_absolute_error on place = north +0.29"
    )
    deciding, guarded = describe_comparison(found, {"old": "17"})[1:]
    assert deciding.endswith(": no worse than 0.1")
    assert re.search("refused, since the whole interval is on the worse side, .* NOT by at most 0.1$", guarded)


def test_a_guarded_slice_without_rows_is_no_proof() -> None:
    guard = Guard(metric="MeanAbsoluteError", not_worse_than=0.1, reason="", slice={"place": "south"})
    candidate = of_rows(np.zeros(ROWS), np.full(ROWS, 4.0))
    found = compare_models(agreed(others=(guard,)), candidate, {"old": np.full(ROWS, 5.0)})
    assert (found.outcome, found.within_margins) == (TIE, False)
    assert "is undefined" in describe_comparison(found, {})[-1]
    assert comparison_from_dict(comparison_as_dict(found)).differences[1].rows == 0


def test_a_tie_is_said_with_its_interval_and_the_version() -> None:
    old = np.full(4, 5.0)
    found = compare_errors(old + np.array([-0.1, 0.1, -0.1, 0.1]), old)
    assert describe_outcome(found, {"model 0": "1795"}) == (
        "not distinguishable from 1795: mean_absolute_error +0.0000 (-0.1837 to +0.1837)"
    )


def test_predictions_are_read_as_they_were_written(tmp_path: object) -> None:
    records = [b"one", b"two", b"three"]
    inside = np.array([True, False, True])
    written = RowPredictions(
        rows_digest=digest_rows(records),
        labels=np.array([0, 1, 1]),
        predictions=np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]], np.float32),
        slices={"place = north": inside},
    )
    write_predictions(tmp_path, written)
    found = read_predictions(tmp_path)
    assert found.rows_digest == written.rows_digest != digest_rows(records[::-1])
    np.testing.assert_array_equal(found.labels, written.labels)
    np.testing.assert_array_equal(found.predictions, written.predictions)
    np.testing.assert_array_equal(found.slices["place = north"], inside)


def digest_rows(*parts: list[bytes]) -> str:
    digest = RowsDigest()
    for part in parts:
        assert digest.add(part) is part
    return digest.hex()


def test_rows_have_one_digest_whatever_parts_they_come_in() -> None:
    assert digest_rows([b"ab", b"c"], [], [b"d"]) == digest_rows([b"ab"], [b"c", b"d"])


def test_rows_that_run_into_each_other_are_other_rows() -> None:
    assert digest_rows([b"ab", b"c"]) != digest_rows([b"a", b"bc"])
