"""Raw columns of every kind as numbers and categories, learned from the training rows only."""

import numpy as np
import pandas as pd

from pipelines.yardstick.columns import MOST_CATEGORIES, encode


def test_numbers_stay_and_gaps_are_nan() -> None:
    train = pd.DataFrame({"whole": pd.array([1, None, 3], "Int64"), "real": np.array([0.5, np.nan, 2], "float32")})
    here, there = encode(train, train[::-1], {})
    np.testing.assert_array_equal(here.numbers, [[1, 0.5], [np.nan, np.nan], [3, 2]])
    np.testing.assert_array_equal(there.numbers, here.numbers[::-1])
    assert here.few == (0,), "whole numbers of few kinds are marked, others are not"
    assert here.categories.shape == (3, 0)


def test_texts_are_categories_the_most_frequent_first() -> None:
    train = pd.DataFrame({"city": ["ash", "bay", "bay", None]})
    here, there = encode(train, pd.DataFrame({"city": ["bay", "elm", None]}), {})
    assert here.categories[:, 0].tolist() == [1, 0, 0, -1]
    assert there.categories[:, 0].tolist() == [0, -1, -1], "what no training row has is as good as missing"


def test_rare_texts_have_no_place() -> None:
    train = pd.DataFrame({"name": [f"n{number // 2}" for number in range(MOST_CATEGORIES * 2)] + ["rare"]})
    here, _ = encode(train, train, {})
    assert here.categories[:, 0].max() == MOST_CATEGORIES - 1
    assert here.categories[-1, 0] == -1


def test_dates_become_numbers_of_the_calendar() -> None:
    train = pd.DataFrame({"when": ["2024-02-29 06:00", None, "no date"]})
    here, _ = encode(train, train, {"when": "%Y-%m-%d %H:%M"})
    np.testing.assert_array_equal(here.numbers[0], [19782.25, 3, 2, 6 * 3600])  # a Thursday, 19,782 days after 1970
    assert np.isnan(here.numbers[1:]).all()


def test_seconds_since_1970_are_dates_where_the_contract_says_so() -> None:
    train = pd.DataFrame({"when": pd.array([86_400, None], "Int64")})
    here, _ = encode(train, train, {"when": "epoch seconds"})
    assert here.numbers[0].tolist() == [1.0, 4.0, 1.0, 0.0]  # a Friday
    assert np.isnan(here.numbers[1]).all()


def test_lists_have_a_column_for_each_item() -> None:
    train = pd.DataFrame({"tags": ["red|gold", "red", None, "gold|blue", "blue|red"]})
    here, there = encode(train, pd.DataFrame({"tags": ["blue", "pink|red"]}), {})
    assert here.numbers.tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 1], [1, 0, 1]]
    assert there.numbers.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_a_comma_in_a_place_makes_no_list() -> None:
    train = pd.DataFrame({"place": ["Paris, France", "Lyon, France"]})
    here, _ = encode(train, train, {})
    assert here.categories[:, 0].tolist() == [0, 1]
