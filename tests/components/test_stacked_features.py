"""Each column of a stacked feature comes out under its own name."""

import re

import numpy as np
import pytest

from components.stacked_features import PartsError, split_parts

NUMBERS = np.array([[1.5, -2.0], [0.25, 8.0]], np.float32)
LABEL = np.array([[1], [0]])


def test_columns_are_named_in_their_order() -> None:
    found = split_parts({"numbers": NUMBERS, "label": LABEL}, {"numbers": ("fare_scaled", "miles_scaled")})
    assert {name: (values.dtype.name, values.tolist()) for name, values in found.items()} == {
        "fare_scaled": ("float32", [[1.5], [0.25]]),
        "miles_scaled": ("float32", [[-2.0], [8.0]]),
        "label": ("int64", [[1], [0]]),
    }


def test_what_is_not_stacked_stays() -> None:
    assert split_parts({"numbers": NUMBERS}, {}) == {"numbers": NUMBERS}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a", "b", "c"), "numbers: expected a name for each of its 2 columns, all different, received 3, 3 of them"),
        (("a", "a"), "numbers: expected a name for each of its 2 columns, all different, received 2, 1 of them"),
        (("a", "label"), "label: expected one feature of that name, received two; rename one"),
    ],
)
def test_refuses_names_that_do_not_fit(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(PartsError, match=re.escape(message)):
        split_parts({"label": LABEL, "numbers": NUMBERS}, {"numbers": names})
