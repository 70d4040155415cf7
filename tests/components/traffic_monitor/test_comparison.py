"""Which comparisons are made, how they are judged, and what they say."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from components.traffic_monitor import comparison
from components.traffic_monitor.cells import make_cells
from components.traffic_monitor.comparison import Comparison, compare, judge
from components.traffic_monitor.pooled import pool
from components.traffic_monitor.samples import Column, Sample, join
from components.traffic_monitor.verdict import decide, least_shift
from components.traffic_monitor.verdicts import ALARM, EMPTY, TOO_FEW, UNCHANGED
from components.traffic_monitor.window import compare_predictions, compare_with_training

ALL = ("missing", "distribution", "order", "unseen", "spike", "copies")


def sample(name: str, **columns: object) -> Sample:
    """Lists of numbers (None where one is missing) or of strings as a sample."""
    made = {}
    for key, cells in columns.items():
        present = np.array([cell is not None for cell in cells])  # type: ignore[attr-defined]
        ordered = not any(isinstance(cell, str) for cell in cells)  # type: ignore[attr-defined]
        blank = 0.0 if ordered else ""
        values = np.array([blank if cell is None else cell for cell in cells])  # type: ignore[attr-defined]
        made[key] = Column(name=key, ordered=ordered, values=values, present=present)
    return Sample(name=name, rows=len(values), columns=made)


def by_test(found: list[Comparison], column: str) -> dict[str, Comparison]:
    return {one.test: one for one in found if one.column == column}


def chance(p_value: float) -> Comparison:
    return Comparison(
        column="fare", test="order", window="window", reference="training", p_value=p_value, observed="", expected=""
    )


def test_holm_multiplies_the_smallest_by_all_and_the_next_by_the_rest() -> None:
    judged = judge([chance(0.004), chance(0.001), chance(0.9)], 0.01)
    assert [one.adjusted for one in judged] == pytest.approx([0.008, 0.003, 0.9])
    assert [one.alarm for one in judged] == [True, True, False]


def test_holm_never_falls_back_below_a_smaller_one() -> None:
    judged = judge([chance(0.010), chance(0.011)], 0.01)
    assert [one.adjusted for one in judged] == pytest.approx([0.02, 0.02])


def test_every_test_of_a_column_says_what_it_saw() -> None:
    draw = np.random.default_rng(1)
    training = sample("training", fare=draw.normal(10, 2, 4000), pay=draw.choice(["Cash", "Card"], 4000))
    window = sample("window", fare=[None] * 60 + list(draw.normal(12, 2, 440)), pay=["Coin"] * 50 + ["Cash"] * 450)
    fare = by_test(compare(window, training, ALL), "fare")
    assert fare["missing"].observed == "missing in 12.0%"
    assert fare["missing"].expected == "in 0.0%"
    assert fare["order"].observed.startswith("median 12.")
    assert fare["order"].expected.startswith("median 9.97")
    pay = by_test(compare(window, training, ALL), "pay")
    assert "order" not in pay
    assert pay["unseen"].observed == "10.0% unseen, such as 'Coin'"
    assert (fare["unseen"].expected, pay["unseen"].expected) == ("100.0%", "0.0%")
    assert pay["spike"].observed == "'Cash' in 90.0%"
    clear = [fare["missing"], fare["distribution"], fare["order"], pay["distribution"], pay["unseen"], pay["spike"]]
    assert all(one.p_value < 1e-6 for one in clear)


def test_of_columns_that_move_on_only_missing_values_are_asked() -> None:
    first, second = sample("window", time=[1.0, 2.0]), sample("training", time=[8.0, 9.0])
    assert {one.test for one in compare(first, second, ALL, ["time"])} == {"missing"}


def test_repeated_rows_are_found_although_no_column_changed() -> None:
    draw = np.random.default_rng(3)
    values = draw.permutation(6000)
    training = sample("training", a=values[:5000] % 97, b=values[:5000] // 97)
    rows = np.concatenate([values[5000:5480], values[5000:5020]])
    found = {one.test: one for one in compare(sample("window", a=rows % 97, b=rows // 97), training, ("copies",))}
    assert found["copies"].observed == "20 of 500 rows repeat another"
    assert found["copies"].p_value < 1e-9


def test_rows_are_equal_without_columns_that_must_differ() -> None:
    """Sixteen different rows, and a month that differs: each sample repeats its own rows, as both always did."""
    draw = np.random.default_rng(5)
    values = draw.integers(0, 4, (2, 5000))
    training = sample("training", a=values[0, :4000], b=values[1, :4000], month=[1.0] * 4000)
    window = sample("window", a=values[0, 4000:], b=values[1, 4000:], month=[2.0] * 1000)
    (found,) = compare(window, training, ("copies",), ["month"])
    assert found.observed == "984 of 1000 rows repeat another"
    assert found.p_value > 0.1
    assert compare(window, training, ("copies",), ["a", "b", "month"]) == []


def test_two_windows_find_what_one_only_hints_at() -> None:
    training = sample("training", fare=stats.norm.ppf((np.arange(10_000) + 0.5) / 10_000))
    shifted = 0.16 + stats.norm.ppf((np.arange(600) + 0.5) / 600)
    window, before = (sample(name, fare=shifted) for name in ("window", "window before"))
    found = compare_with_training(window, before, training, [])
    order = {one.window: one.p_value for one in found if one.test == "order"}
    assert order["both windows"] < order["window"] / 10


def test_a_window_of_other_hours_is_asked_only_what_no_hours_explain() -> None:
    first, second = sample("window", hour=[1.0, 2.0]), sample("training", hour=[8.0, 9.0])
    assert {one.test for one in compare_with_training(first, None, second, [], fair=False)} == {"unseen", "copies"}


def test_predictions_of_an_unknown_model_are_compared_with_the_window_before() -> None:
    window, before = sample("window", prediction=[0.1, 0.2]), sample("window before", prediction=[0.3, 0.4])
    assert {one.reference for one in compare_predictions(window, before, None)} == {"window before"}


def test_frequent_numbers_have_cells_of_their_own() -> None:
    draw = np.random.default_rng(11)
    values = np.concatenate([np.zeros(3000), draw.random(7000)])
    pooled = pool(values, values[:5000])
    cells = make_cells(pooled, ordered=True)
    assert cells.describe(0) == "0"
    assert cells.of_values[0] == 0
    counts = np.bincount(cells.of_values[pooled.first], minlength=cells.number)
    assert counts[0] == 3000
    assert counts[1:].min() >= 400
    assert all(np.diff(cells.of_values[1:]) >= 0)


def test_rare_categories_share_a_cell() -> None:
    values = np.array(["a"] * 500 + ["b"] * 480 + ["c"] * 5 + ["d"] * 5)
    cells = make_cells(pool(values, values), ordered=False)
    assert cells.number == 3
    assert cells.of_values.tolist() == [0, 1, 2, 2]
    assert cells.describe(2) == "all other values"


def test_windows_of_other_columns_are_not_joined() -> None:
    with pytest.raises(ValueError, match=r"expected columns \['fare'\], received \['miles'\]"):
        join(sample("window", fare=[1.0]), sample("window before", miles=[1.0]), "both")


ALARMED = dataclasses.replace(judge([chance(1e-9)], 0.01)[0])
QUIET = judge([chance(0.5)], 0.01)[0]


@pytest.mark.parametrize(
    ("rows", "requests", "judged", "anomalies", "expected"),
    [
        (1000, 1000, [QUIET], [], UNCHANGED),
        (1000, 1000, [QUIET, ALARMED], [], ALARM),
        (1000, 1000, [QUIET], ["fare is missing"], ALARM),
        (50, 50, [QUIET], ["fare is missing"], TOO_FEW),
        (50, 50, [ALARMED], [], ALARM),
        (5000, 3, [QUIET], [], TOO_FEW),
        (0, 0, [], [], EMPTY),
    ],
)
def test_verdicts(
    rows: int, requests: int, judged: list[comparison.Judged], anomalies: list[str], expected: str
) -> None:
    assert decide(rows, requests, judged, anomalies) == expected


def test_the_least_shift_that_is_found_shrinks_with_the_root_of_the_rows() -> None:
    few, many = least_shift(250, 140), least_shift(1000, 140)
    assert few is not None
    assert many == pytest.approx(few / 2)
    assert many == pytest.approx(0.5 * (3.9697 + 0.8416) / np.sqrt(1000), rel=1e-3)
    assert least_shift(0, 140) is None
