"""Groups of rows by one column."""

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation.row_groups import group_rows


def test_numbers_are_binned_by_their_quantiles() -> None:
    found = group_rows(pd.Series(np.arange(1, 101), name="fare", dtype="Int64"), is_category=False)
    assert found is not None
    assert found.labels == (
        "fare ≤ 10", "10 < fare ≤ 25", "25 < fare ≤ 50", "50 < fare ≤ 75", "75 < fare ≤ 90", "fare > 90", "fare missing"
    )  # fmt: skip
    other = pd.Series([10, 11, -3, 1000, None], dtype="Int64")
    assert found.number_groups(other).tolist() == [0, 1, 0, 5, 6]


def test_few_different_numbers_and_one() -> None:
    found = group_rows(pd.Series([1.0, 1, 1, 2, 2], name="seats", dtype="float32"), is_category=False)
    assert found is not None
    assert found.labels == ("seats ≤ 1", "seats > 1", "seats missing")
    one = group_rows(pd.Series([3.0, 3.0, np.nan], name="seats"), is_category=False)
    assert one is not None
    assert one.labels == ("any seats", "seats missing")
    assert one.number_groups(pd.Series([3.0, np.nan])).tolist() == [0, 1]


def test_bins_of_times_have_names_that_differ() -> None:
    found = group_rows(pd.Series(np.arange(1380000000, 1380000100), name="start", dtype="Int64"), is_category=False)
    assert found is not None
    assert len(set(found.labels)) == len(found.labels)
    assert found.labels[0] == "start ≤ 1380000009"


@pytest.mark.parametrize("cells", [["b", "a", "b", None], pd.array([2, 1, 2, None], dtype="Int64")])
def test_categories_are_their_most_frequent_values(cells: object) -> None:
    found = group_rows(pd.Series(cells, name="code"), is_category=not isinstance(cells, list))
    assert found is not None
    first, second = ("b", "a") if isinstance(cells, list) else (2, 1)
    assert found.labels == (f"code = {first}", f"code = {second}", "code missing")
    assert found.number_groups(pd.Series([second, "x", None, first], dtype=object)).tolist() == [1, -1, 2, 0]


def test_rare_values_have_no_group() -> None:
    cells = pd.Series([f"v{number}" for number in range(12) for _ in range(20 - number)], name="v")
    found = group_rows(cells, is_category=False)
    assert found is not None
    assert len(found.labels) == 11
    assert (found.number_groups(cells) == -1).sum() == 9 + 10


def test_lists_and_columns_without_a_value_have_no_groups() -> None:
    assert group_rows(pd.Series([["a"], None], name="tags"), is_category=True) is None
    assert group_rows(pd.Series([None, None], name="x", dtype=object), is_category=False) is None
