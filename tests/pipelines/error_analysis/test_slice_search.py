"""A planted bad slice is found; where there is none, almost nothing is."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipelines.error_analysis.slice_search import correct_by_holm, search_slices
from pipelines.error_analysis.worst_slices import SearchOptions


def make_rows(seed: int, count: int) -> tuple[pd.DataFrame, np.ndarray]:
    generator = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "fare": generator.lognormal(2, 0.5, count).astype(np.float32),
            "payment": generator.choice(["Cash", "Card", "Other"], count),
            "hour": pd.array(generator.integers(0, 24, count), dtype="Int64"),
            "company": np.where(generator.random(count) < 0.4, None, generator.choice(["a", "b"], count)),
        }
    )
    return rows, generator.exponential(size=count)


def test_a_planted_slice_of_two_columns_is_found_and_nothing_else() -> None:
    rows, losses = make_rows(1, 3000)
    bad = ((rows["payment"] == "Card") & (rows["hour"] > 18)).to_numpy()
    found = search_slices(rows, np.where(bad, 2.5 * losses, losses))
    assert found.found["slice"].tolist()[0] in {"payment = Card and hour > 21", "payment = Card and 18 < hour ≤ 21"}
    assert all(name.startswith("payment = Card and ") and "hour" in name for name in found.found["slice"]), found.found
    worst = found.found.iloc[0]
    assert worst["loss"] == pytest.approx(2.5, rel=0.3)
    assert worst["loss_elsewhere"] == pytest.approx(1.1, rel=0.15)
    assert worst["p"] < 0.01
    assert (found.searched_rows, found.confirming_rows) == (1500, 1500)
    assert 50 < found.looked_at < 300
    assert len(found.found) <= found.tested <= 10


def test_inside_of_a_hard_slice_the_search_goes_on() -> None:
    rows, losses = make_rows(2, 4000)
    card, missing = (rows["payment"] == "Card").to_numpy(), rows["company"].isna().to_numpy()
    losses = np.where(card, 4 * losses, losses)
    assert search_slices(rows, losses).found["slice"].tolist() == ["payment = Card"]
    found = search_slices(rows, np.where(card & missing, 1.5 * losses, losses)).found
    assert found["slice"].tolist() == ["payment = Card", "payment = Card and company missing"]
    assert found["within"].tolist() == ["overall", "payment = Card"]
    assert found["loss_elsewhere"].tolist() == [pytest.approx(1, rel=0.1), pytest.approx(4, rel=0.1)]


def test_codes_are_values_and_not_a_range() -> None:
    rows, losses = make_rows(3, 2000)
    options = SearchOptions(min_rows=15)
    rows = rows.assign(hour=(rows["hour"] % 9).astype("Int64"))
    bad = (rows["hour"] == 7).to_numpy(bool)
    found = search_slices(rows, np.where(bad, 4 * losses, losses), categories=["hour"], options=options).found
    assert found["slice"].tolist() == ["hour = 7"]


@pytest.mark.slow
@pytest.mark.parametrize("losses", ["exponential", "log loss"])
def test_where_no_slice_is_worse_at_most_one_search_in_twenty_reports_any(losses: str) -> None:
    reported = 0
    for seed in range(150):
        rows, drawn = make_rows(seed, 500)
        if losses == "log loss":
            drawn = -np.log(np.random.default_rng(seed).beta(6, 1, len(rows)))
        reported += len(search_slices(rows, drawn, seed=seed).found) > 0
    assert reported <= 7, "5% of 150 are 7.5"


def test_the_search_half_alone_would_report_chance() -> None:
    """What the other half is for: of the slices that the search takes, it refuses nearly all."""
    taken = confirmed = 0
    for seed in range(20):
        rows, drawn = make_rows(seed, 500)
        found = search_slices(rows, drawn, seed=seed)
        taken, confirmed = taken + found.tested, confirmed + len(found.found)
    assert taken > 20
    assert confirmed <= 2


def test_too_few_rows_and_losses_that_are_all_the_same() -> None:
    rows, losses = make_rows(5, 30)
    assert len(search_slices(rows, losses).found) == 0
    rows, losses = make_rows(5, 400)
    assert len(search_slices(rows, np.zeros(400)).found) == 0
    assert list(search_slices(rows, np.zeros(400)).found) == [
        "slice", "within", "rows", "loss", "loss_elsewhere", "effect", "p"
    ]  # fmt: skip


def test_columns_of_lists_and_of_nothing_are_left_out() -> None:
    rows, losses = make_rows(6, 600)
    rows["tags"], rows["nothing"] = [["a", "b"]] * 600, None
    assert (
        search_slices(rows, losses).looked_at
        == search_slices(rows[["fare", "payment", "hour", "company"]], losses).looked_at
    )


def test_holm_is_what_its_paper_says() -> None:
    np.testing.assert_allclose(correct_by_holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert correct_by_holm(np.array([0.6, 0.7])).tolist() == [1, 1]
    assert correct_by_holm(np.array([])).tolist() == []


def test_the_test_is_welchs() -> None:
    rows = pd.DataFrame({"group": ["a"] * 300 + ["b"] * 700})
    losses = np.r_[np.random.default_rng(1).normal(2, 1, 300), np.random.default_rng(2).normal(1, 2, 700)]
    found = search_slices(rows, losses)
    confirm = np.sort(np.random.default_rng(20240501).permutation(1000)[500:])
    inside, rest = losses[confirm[confirm < 300]], losses[confirm[confirm >= 300]]
    expected = stats.ttest_ind(inside, rest, equal_var=False, alternative="greater").pvalue
    assert found.found["p"].iloc[0] == pytest.approx(expected)
    assert found.found["rows"].iloc[0] == len(inside)


@pytest.mark.parametrize("wrong", [{"min_rows": 1}, {"most_tested": 0}, {"level": 1.0}])
def test_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected min_rows of 2 or more"):
        SearchOptions(**wrong)  # type: ignore[arg-type]
