"""What float32 takes away from a column: refused where it matters, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from components.csv_example_gen.csv_files import CellKind, SourceError, check_csv
from components.csv_example_gen.float_precision import SAMPLE, Float32Precision
from components.csv_example_gen.reading_rules import ReadingRules
from data import taxi

DRAW = np.random.default_rng(0)


def measured(values: np.ndarray) -> Float32Precision:
    precision = Float32Precision()
    for batch in np.array_split(values, 7):
        precision.add(batch)
    return precision


KEPT = {
    "tenths": np.arange(1000) / 10,
    "normal": DRAW.normal(size=50_000),
    "long tail": np.exp(DRAW.normal(0, 5, 50_000)),
    "cents up to thousands": np.round(DRAW.uniform(0, 10_000, 50_000), 2),
    "arithmetic's own noise": DRAW.integers(0, 500, 20_000) * 0.1 + 0.2,
    "coordinates of a city": 41.88 + DRAW.normal(0, 0.03, 3000),
    "pressure": np.round(1013 + DRAW.normal(0, 5, 5000), 2),
    "large and spread": np.exp(DRAW.uniform(np.log(1e9), np.log(1e11), 50_000)),
    "amounts of all sizes": np.round(DRAW.uniform(1e6, 9e8, 50_000), 2),
    "whole epochs of quarters of an hour": 1_700_000_000 + 900.0 * DRAW.integers(0, 30_000, 5000),
    "few steps, and one pair of 200 lost": np.r_[1013 + np.arange(200) / 4096, 1013 + 1e-6],
    "coordinates of a town": 41.88 + DRAW.normal(0, 0.005, 50_000),
    "shares beside sums in many orders": np.r_[
        DRAW.uniform(0, 1, 300), 1 + np.arange(-300, 300) * 2.0**-52, 2 + np.arange(-300, 300) * 2.0**-51
    ],
    "one in twenty of an hour": np.r_[DRAW.uniform(0, 1, 9500), 1_700_000_000 + DRAW.uniform(0, 3600, 500)],
    "constant": np.full(500, 1_700_000_000.25),
    "one value": np.array([1_700_000_000.25]),
    "nothing": np.full(500, np.nan),
}


@pytest.mark.parametrize("values", KEPT.values(), ids=KEPT.keys())
def test_kept(values: np.ndarray) -> None:
    assert measured(values).find_loss() is None


LOST = {
    "epochs within minutes": 1_700_000_000 + np.arange(493) / 4,
    "epochs within a day": 1_700_000_000 + np.round(DRAW.uniform(0, 86_400, 500), 3),
    "epochs within a year": 1_700_000_000 + np.round(DRAW.uniform(0, 3e7, 5000), 3),
    "epochs, a third not known": np.r_[np.zeros(200), -np.ones(100), 1_700_000_000 + DRAW.uniform(0, 86_400, 500)],
    "shares, and times of one hour": np.r_[DRAW.uniform(0, 1, 3000), 1_700_000_000 + DRAW.uniform(0, 3600, 7000)],
    "few of them": np.r_[DRAW.uniform(0, 1, 150), 1_700_000_000 + DRAW.uniform(0, 3600, 350)],
    "times of two hours, a year apart": np.r_[
        DRAW.uniform(0, 1, 3000),
        1_700_000_000 + DRAW.uniform(0, 3600, 3000),
        1_731_536_000 + DRAW.uniform(0, 3600, 3000),
    ],
    "amounts of nine digits with cents": np.round(123_456_789 + DRAW.uniform(0, 1000, 500), 2),
    "ids with a fraction": 100_000_000 + np.arange(500) + 0.5,
    "whole epochs": 1_700_000_000.0 + np.arange(500),
    "Julian days": 2_460_000.5 + DRAW.uniform(0, 10, 500),
    "the same beside a value far off": np.r_[1 + DRAW.uniform(0, 1e-5, 500), 1000.0],
    "a small difference of small numbers": 1 + DRAW.uniform(0, 1e-5, 500),
}


@pytest.mark.parametrize("values", LOST.values(), ids=LOST.keys())
def test_lost(values: np.ndarray) -> None:
    loss = measured(values).find_loss()
    assert loss is not None
    assert loss.first != loss.second
    assert np.float32(loss.first) == np.float32(loss.second) == loss.stored
    assert {loss.first, loss.second} <= set(values)
    assert loss.lost == len(set(values)) - len(set(values.astype(np.float32)))


def test_the_largest_error_is_a_share_of_the_range() -> None:
    assert measured(np.array([0.0, 16_777_217.0, 33_554_432.0])).relative_error == 1 / 33_554_432
    assert measured(np.array([0.5, 1.0, np.nan])).relative_error == 0
    assert measured(KEPT["constant"]).relative_error == 0
    assert 0.1 < measured(LOST["epochs within minutes"]).relative_error < 0.6


def test_the_sample_is_bounded_even_and_the_same_in_any_order() -> None:
    values = np.arange(200_000) + 0.5
    one, other = measured(values), measured(values[::-1])
    assert SAMPLE / 4 < len(one._sample) <= SAMPLE
    assert one._sample == other._sample
    assert np.mean(list(one._sample)) == pytest.approx(100_000, rel=0.03)


def test_the_reader_refuses_and_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("at\n" + "".join(f"{1_700_000_000 + row / 4}\n" for row in range(493)))
    with pytest.raises(
        SourceError, match=r"rows\.csv, column `at`: expected numbers that stay different as float32, "
    ) as found:
        check_csv(file, rules=ReadingRules(kinds={"at": CellKind.FLOAT}))
    said = str(found.value)
    assert "received 1700000000.0 and 1700000000.25, which both become 1700000000.0, and more such: of 493 " in said
    assert "such as milliseconds or cents, and declare the column as INT" in said
    assert said.endswith("or subtract a constant such as 1,700,000,000 from all values before they are written.")


def test_the_taxi_trips_lose_nothing_that_matters() -> None:
    kinds = dict.fromkeys(("fare", "pickup_latitude", "pickup_longitude"), CellKind.FLOAT)
    errors = check_csv(taxi.packaged_file(), rules=ReadingRules(kinds=kinds)).float32_errors
    assert max(errors, key=lambda name: errors[name]) == "pickup_longitude"
    assert errors["pickup_longitude"] == pytest.approx(1.1e-5, rel=0.05)


def test_the_reader_reports_the_largest_error_of_each_column(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("x,y,z\n0.5,16777217,1\n1,0,2\n,,\n")
    found = check_csv(file, rules=ReadingRules(kinds=dict.fromkeys("xy", CellKind.FLOAT)))
    assert found.float32_errors == {"x": 0.0, "y": 1 / 16_777_217}
