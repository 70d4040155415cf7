"""Keys of rows, and which raw row a transformed one was made of."""

import numpy as np
import pytest

from components.row_keys import PairingError, find_places, make_row_keys, read_row_keys
from tests import handmade

GOLDEN = 3405396810240292928
A, B, C = (int(key) for key in make_row_keys([b"a", b"b", b"c"]))


def test_a_key_is_made_of_the_content() -> None:
    keys = make_row_keys([b"a", b"b", b"a"])
    assert keys.dtype == np.int64
    assert keys[0] == keys[2] != keys[1]
    assert keys[0] == GOLDEN, "runs of other days pair with it"


def test_transformed_rows_find_their_raw_rows_in_any_order() -> None:
    assert find_places(np.array([A, B, C]), np.array([C, A, B])).tolist() == [2, 0, 1]


def test_equal_rows_are_paired_in_their_order() -> None:
    assert find_places(np.array([A, B, A]), np.array([A, A, B])).tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("transformed", "difference"),
    [
        ([A, C], f"lacks 1, the first of them raw row 1 with key {B & 0xFFFFFFFFFFFFFFFF:016x}"),
        ([A, B, B, C], f"has too many 1, the first of them transformed row 1 with key {B & 0xFFFFFFFFFFFFFFFF:016x}"),
    ],
    ids=["lost", "doubled"],
)
def test_a_lost_or_doubled_row_is_named(transformed: list[int], difference: str) -> None:
    with pytest.raises(PairingError) as error:
        find_places(np.array([A, B, C]), np.array(transformed))
    assert str(error.value) == (
        f"rows do not pair by their keys: 3 raw, {len(transformed)} transformed; Transform's output {difference}. "
        "Rows were lost or duplicated, or these are not the rows of that run: run again"
    )


def test_a_row_of_another_run_is_one_lost_and_one_too_many() -> None:
    with pytest.raises(PairingError, match=r"lacks 1, the first of them raw row 0 .* has too many 1, .* row 1 "):
        find_places(np.array([A, B]), np.array([B, C]))


def test_a_transformed_row_without_a_key() -> None:
    row = handmade.to_example({"x": 1.0})
    with pytest.raises(ValueError, match="expected one value of __row_key__ in each of 2, received 1; run Transform"):
        read_row_keys([handmade.add_row_key(row, 7), row])
