"""Which groups are compared, and what is said of the gaps between them."""

import numpy as np
import pandas as pd
import pytest

from pipelines.fairness.gaps import FairnessGaps, find_gaps
from pipelines.task_definition.problem import REGRESSION
from pipelines.task_definition.scoping import Fairness

ROWS = 600
ERRORS = np.random.default_rng(3).normal(0, 1, ROWS)


def gaps(column: pd.Series, *, max_gap: float | None = 0.5, apart: float = 0.0) -> FairnessGaps:
    """Compare groups; those of the first 200 rows have predictions that are too high by `apart`."""
    return find_gaps(
        Fairness(columns=("group",), reason="", max_gap=max_gap, measures=("mean error",) if max_gap else ()),
        pd.DataFrame({"group": column}),
        np.zeros(ROWS),
        ERRORS + apart * (np.arange(ROWS) < 200),
        problem=REGRESSION,
        threshold=0.5,
        min_slice_rows=1,
    )


NUMBERS = np.where(np.arange(ROWS) < 200, 0.1, 0.7)


@pytest.mark.parametrize(
    ("column", "group"),
    [
        (pd.Series(NUMBERS.astype(np.float32)), "group = 0.10000000149011612"),
        (pd.array((10 * NUMBERS).astype(int), "Int64"), "group = 1"),
        (pd.Series(["a" if number < 0.5 else None for number in NUMBERS], dtype=object), "group = a"),
        (pd.Series([["a", "b"] if number < 0.5 else ["c"] for number in NUMBERS], dtype=object), "group = a"),
    ],
)
def test_values_of_every_type_are_groups(column: pd.Series, group: str) -> None:
    found = gaps(column, apart=1.0)
    assert group in {one.group for one in found.too_large}
    assert found.describe()[0].startswith("mean error where group = ")
    assert found.describe()[0].endswith("NOT at most 0.5")


def test_a_gap_that_is_clear_and_small_enough_does_not_refuse() -> None:
    found = gaps(pd.Series(NUMBERS), apart=0.45)
    assert any(one.is_clear for one in found.gaps)
    assert found.too_large == ()
    assert found.describe() == ("groups by group: none of 4 gaps is clear and more than 0.5",)


def test_no_group_of_enough_rows_is_said() -> None:
    found = gaps(pd.Series(np.arange(ROWS)))
    assert (found.gaps, found.small) == ((), ROWS)
    assert found.describe() == ("no group by group has 30 rows or more: no gap was compared",)


def test_nothing_is_too_large_where_nothing_was_agreed() -> None:
    assert gaps(pd.Series(NUMBERS), max_gap=None, apart=5.0).too_large == ()
