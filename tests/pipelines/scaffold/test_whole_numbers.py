"""Which whole numbers are names: codes, ids and indexes; and which are quantities."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from pipelines.scaffold.headings import names_a_code
from pipelines.scaffold.whole_numbers import are_named, explain_row_number, neighbours_are_unlike

ROWS = 3000
SHUFFLED = np.random.default_rng(0).permutation(400).tolist()


@pytest.mark.parametrize(
    "heading",
    ["id", "store_id", "StoreNo", "customerId", "Customer ID", "zip", "zip_code", "Account number", "ZIP5",
     "customerid", "id_customer", "sku", "branch", "Postcode", "store",
     "from_station_id", "to_account", "ship_to_zip", "customer_since_id", "to_zip_code", "from_sku", "phone",
     "Home phone", "postal", "ship_to_postal", "Dept.", "naics", "area_fips", "telephone", "department"],
)  # fmt: skip
def test_headings_of_codes(heading: str) -> None:
    assert names_a_code(heading)


@pytest.mark.parametrize(
    "heading",
    ["number_of_rooms", "paid", "age", "days_in_store", "num_items", "humid", "year", "count", "price", "account_age",
     "distance_to_branch", "n", "hours", "", "%", "accounts",
     "number", "no", "lines_of_code", "sales_per_account", "to_store", "from_branch", "in_stock", "since_year",
     "calls_per_phone", "customer", "customers"],
)  # fmt: skip
def test_headings_of_quantities(heading: str) -> None:
    assert not names_a_code(heading)


@pytest.mark.parametrize(
    ("heading", "numbers", "named"),
    [
        ("customer", [1000, 48_213], True),
        ("Patient", [-4000, 1017], True),
        ("customer", [999, 48_213], False),  # may be as many
        ("customers", [1000, 48_213], False),
        ("sales_per_customer", [1000, 48_213], False),
        ("phone", [1, 2], True),
        ("price", [1000, 48_213], False),
    ],
)
def test_a_thing_is_a_name_where_its_numbers_are_long(heading: str, numbers: list[int], named: bool) -> None:
    assert are_named(heading, pd.Series(numbers, dtype="Int64")) is named


QUANTITIES: dict[str, tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]] = {
    "age": (np.arange(18, 81), lambda x: (x - 50) / 10),
    "age, in the middle": (np.arange(18, 81), lambda x: 2 - ((x - 50) / 12) ** 2),
    "children": (np.arange(0, 22), lambda x: 0.3 * x),
    "year": (np.arange(1980, 2025), lambda x: np.where(x > 2008, 2.0, -2.0)),
    "hour": (np.arange(0, 24), lambda x: 2 * np.sin(2 * np.pi * x / 24)),
    "price": (np.sort(np.random.default_rng(3).integers(5, 2000, 60)), lambda x: np.log(x) - 5),
    "pressure": (np.arange(101, 141), lambda x: (x - 120) / 8),
    "price, three of them": (np.array([5, 50, 500]), lambda x: np.where(x == 50, 2.0, 0.0)),
    "unrelated": (np.arange(0, 50), lambda x: 0 * x),
}


@pytest.mark.parametrize("name", QUANTITIES)
@pytest.mark.parametrize("seed", range(5))
def test_neighbours_of_a_quantity_are_alike(name: str, seed: int) -> None:
    kinds, effect = QUANTITIES[name]
    random = np.random.default_rng(seed)
    values = random.choice(kinds, ROWS)
    chance = 1 / (1 + np.exp(-effect(values.astype(float))))
    classes = pd.Series((random.random(ROWS) < chance).astype(int))
    assert not neighbours_are_unlike(pd.Series(values, dtype="Int64"), classes)
    numbers = pd.Series(effect(values.astype(float)) + random.normal(size=ROWS))
    assert not neighbours_are_unlike(pd.Series(values, dtype="Int64"), numbers)


@pytest.mark.parametrize(
    "kinds", [range(101, 141), [94103, 10001, 60614, 73301, *range(2100, 2140, 2)], range(5000, 5300, 4)]
)
def test_neighbours_of_a_code_are_not(kinds: list[int]) -> None:
    found = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        effect = dict(zip(kinds, random.normal(size=len(kinds)), strict=True))
        values = random.choice(list(kinds), ROWS)
        labels = pd.Series([effect[value] for value in values] + random.normal(size=ROWS))
        found.append(neighbours_are_unlike(pd.Series(values, dtype="Int64"), labels))
    assert sum(found) >= 9


def test_rare_codes_do_not_hide_what_the_others_show() -> None:
    """Of a city's areas, the rare ones lie far out, next to each other, and alike."""
    found = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        effects = np.r_[random.normal(size=40), np.full(20, 8.0)]
        values = np.r_[random.integers(0, 40, ROWS), np.repeat(np.arange(40, 60), 2)]
        labels = pd.Series(effects[values] + random.normal(size=len(values)))
        found.append(neighbours_are_unlike(pd.Series(values, dtype="Int64"), labels))
    assert sum(found) >= 9


@pytest.mark.parametrize("seed", range(5))
def test_a_quantity_with_a_long_tail_is_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = np.exp(random.normal(2.5, 0.8, ROWS)).round()
    labels = pd.Series(np.sqrt(values) + random.normal(size=ROWS))
    assert not neighbours_are_unlike(pd.Series(values).astype("Int64"), labels)


@pytest.mark.parametrize(
    ("heading", "values", "reason"),
    [
        ("Unnamed: 0", list(range(400)), "it counts the rows, 0, 1, 2 and so on"),
        ("", list(range(200)) * 2, "it counts the rows"),  # two files, one after the other
        ("nr", list(range(1, 401)), "it counts the rows, 1, 2, 3 and so on"),
        ("x", list(range(400, 0, -1)), "it counts the rows, 400, 399, 398 and so on"),
        ("x", [number * number for number in range(400)], "it grows from every row to the next"),
        ("x", [100_000 + number for number in SHUFFLED], "it is a different number from 100000 to 100399"),
        ("customer_id", [number * number for number in SHUFFLED], "400 different numbers in 400 rows: an id"),
        ("customer_id", [number % 31 for number in SHUFFLED], ""),
        ("population", [number * number for number in SHUFFLED], ""),
        ("age", [18 + number * 7 % 60 for number in range(400)], ""),
        ("year", list(range(1600, 2000)), ""),
        ("count", [number // 3 for number in range(400)], ""),
        ("store", [number % 20 for number in range(400)], ""),  # each week's stores, in their order
        ("visits", [*range(100), *[5] * 300], ""),
    ],
)
def test_what_numbers_the_rows(heading: str, values: list[int], reason: str) -> None:
    found = explain_row_number(heading, pd.Series(values, dtype="Int64"))
    assert found.startswith(reason)
    assert bool(found) is bool(reason)
