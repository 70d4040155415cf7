"""Slices in words, and which rows they have."""

import numpy as np
import pandas as pd

from pipelines.evaluation.slices import SlicedRows, in_slice, list_columns, slice_in_words

ROWS = pd.DataFrame(
    {
        "pay": ["Cash", "Card", None, "Cash"],
        "hour": pd.array([7, 7, None, 17], dtype="Int64"),
        "fare": np.array([0.5, np.nan, 0.5, 0.1], dtype="float32"),
        "tags": [["airport", "night"], None, ["night"], ["night", "night"]],
    },
    index=[10, 11, 12, 13],
)


def test_slice_in_words() -> None:
    assert slice_in_words(()) == "overall"
    assert slice_in_words((("pay", "Cash"), ("hour", "7"))) == "pay = Cash, hour = 7"


def test_in_slice() -> None:
    assert in_slice(ROWS, ()).tolist() == [True, True, True, True]
    assert in_slice(ROWS, (("pay", "Cash"),)).tolist() == [True, False, False, True]
    assert in_slice(ROWS, (("hour", "7"),)).tolist() == [True, True, False, False]
    assert in_slice(ROWS, (("fare", "0.5"),)).tolist() == [True, False, True, False]
    assert in_slice(ROWS, (("fare", "0.10000000149011612"),)).tolist() == [False, False, False, True], (
        "as in TFMA's key"
    )
    assert in_slice(ROWS, (("tags", "night"),)).tolist() == [True, False, True, True], "each value of a list is a slice"
    assert in_slice(ROWS, (("tags", "airport"), ("hour", "7"))).tolist() == [True, False, False, False]
    assert in_slice(ROWS, (("pay", "Cash"), ("hour", "7"))).tolist() == [True, False, False, False]


def test_list_columns() -> None:
    assert list_columns([(), (("pay", "Cash"), ("hour", "7")), (("pay", "Card"),)]) == {"pay", "hour"}
    assert list_columns([()]) == set()


def test_count() -> None:
    sliced = SlicedRows(ROWS)
    assert [sliced.count("pay", value) for value in ("Cash", "Card", "Coins")] == [2, 1, 0]
    assert sliced.count("tags", "night") == 3, "a row counts once"


def test_a_missing_value_is_in_no_slice_of_that_column() -> None:
    for name, words in (("pay", "None"), ("hour", "<NA>"), ("fare", "nan")):
        assert not in_slice(ROWS, ((name, words),)).any()
