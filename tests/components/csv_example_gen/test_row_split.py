"""How rows are split: shares, sides that stay, and what a split is called."""

import hashlib
import itertools
import math
import random

import pyarrow as pa
import pytest

from components.csv_example_gen.csv_values import CellKind
from components.csv_example_gen.row_copies import hash_rows, number_copies
from components.csv_example_gen.row_sides import are_eval, shift_copies
from components.csv_example_gen.row_split import (
    EVAL_SHARE,
    KeySplit,
    RowSplit,
    Split,
    SplitError,
    TimeSplit,
    eval_buckets,
    explain_difference,
    is_eval_key,
    read_split,
    split_settings,
)
from tests.components.csv_example_gen.row_by_row import RowCounter

SIX_OF_A_HUNDRED = [f"answer {kind}".encode() for kind in range(6) for _ in range(100)]
TWO_COLUMNS_OF_THREE_KINDS = [
    f"{random.Random(row).choice('abc')},{random.Random(-row - 1).choice('xyz')}".encode() for row in range(600)
]


def evals(rows: list[bytes], share: float = EVAL_SHARE) -> list[bytes]:
    copies = number_copies(hash_rows({"row": CellKind.BYTES}, [pa.array(rows).dictionary_encode()]))
    chosen = are_eval(pa.array(rows), shift_copies(copies, share), share)
    return list(itertools.compress(rows, chosen))


@pytest.mark.parametrize("share", [EVAL_SHARE, 0.001, 0.137, 0.5, 0.999])
def test_each_row_has_the_side_that_counting_one_by_one_gives(share: float) -> None:
    rows = [f"row {random.Random(row).randrange(3_000)}".encode() for row in range(2_000)] + SIX_OF_A_HUNDRED
    counter = RowCounter(share)
    assert evals(rows, share) == [row for row in rows if counter.is_eval(row)]


@pytest.mark.parametrize("rows", [SIX_OF_A_HUNDRED, TWO_COLUMNS_OF_THREE_KINDS], ids=["6 of 100", "2 of 3 kinds"])
@pytest.mark.parametrize("share", [EVAL_SHARE, 0.1, 0.25, 0.3, 0.5, 0.8])
def test_few_distinct_rows_get_the_stated_share(rows: list[bytes], share: float) -> None:
    error = math.sqrt(share * (1 - share) * len(rows))
    assert abs(len(evals(rows, share)) - share * len(rows)) <= 2 * error
    chosen = evals(rows, share)
    for row in set(rows):  # systematic sampling: the share of each kind, rounded down or up
        assert chosen.count(row) in (math.floor(share * rows.count(row)), math.ceil(share * rows.count(row)))


def test_a_row_that_stands_once_falls_where_tfx_puts_it() -> None:
    rows = [f"row {number}".encode() for number in range(3_000)]
    by_tfx = [row for row in rows if int(hashlib.sha256(row).hexdigest(), 16) % 3 == 2]
    assert evals(rows) == by_tfx
    assert len(by_tfx) == 974


@pytest.mark.parametrize("rows", [SIX_OF_A_HUNDRED, [str(number).encode() for number in range(500)]])
def test_rows_that_are_added_move_none(rows: list[bytes]) -> None:
    """Of each kind, as many rows or more are on either side; equal rows have no other identity."""
    before = evals(rows)
    others = [b"new", *rows[::7], *(f"another {number}".encode() for number in range(50))]
    for after in (rows + others, others + rows, list(itertools.chain(*zip(rows, itertools.cycle(others))))):
        chosen = evals(after)
        for row in set(rows):
            added = after.count(row) - rows.count(row)
            assert 0 <= chosen.count(row) - before.count(row) <= added


def test_the_order_of_rows_decides_nothing() -> None:
    shuffled = random.Random(1).sample(SIX_OF_A_HUNDRED, len(SIX_OF_A_HUNDRED))
    assert sorted(evals(shuffled)) == sorted(evals(SIX_OF_A_HUNDRED))


def test_a_key_has_one_side_and_about_a_third_is_eval() -> None:
    keys = [f"customer {number}".encode() for number in range(3_000)]
    chosen = sum(is_eval_key(key, EVAL_SHARE) for key in keys)
    assert abs(chosen - 1_000) <= 2 * math.sqrt(3_000 * 2 / 9)
    assert is_eval_key(7, EVAL_SHARE) == is_eval_key(b"7", EVAL_SHARE)


@pytest.mark.parametrize(
    ("share", "buckets"), [(EVAL_SHARE, (1, 3)), (0.3333, (1, 3)), (0.2, (1, 5)), (0.15, (3, 20)), (0.999, (999, 1000))]
)
def test_a_share_is_a_fraction(share: float, buckets: tuple[int, int]) -> None:
    assert eval_buckets(share) == buckets


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 33.0, 0.0001, float("nan")])
@pytest.mark.parametrize("split", [RowSplit, lambda share: KeySplit("a", share), lambda share: TimeSplit("a", share)])
def test_no_share(split: type[RowSplit], share: float) -> None:
    with pytest.raises(SplitError, match=r"^eval_share: expected a share between 0\.001 and 0\.999, received "):
        split(share)


@pytest.mark.parametrize(
    ("split", "words", "why"),
    [
        (RowSplit(), "by row, 33.3% of them eval", "the split is by row: both sides are the same data, and differ by "),
        (RowSplit(0.005), "by row, 0.5% of them eval", "the split is by row"),
        (KeySplit("customer_id", 0.2), "by customer_id, all its rows on one side, 20% of the keys eval", "keys with"),
        (TimeSplit("day"), "by time, the newest 33.3% by day eval", "the split is by time: the rows changed with day"),
    ],
)
def test_in_words_and_as_json(split: Split, words: str, why: str) -> None:
    assert str(split) == words
    assert why in explain_difference(split)
    assert read_split(split_settings(split)) == split
