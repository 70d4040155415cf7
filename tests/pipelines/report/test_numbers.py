"""Numbers as the page shows them."""

import math

import pytest

from pipelines.evaluation.bootstrap import Interval
from pipelines.report import numbers


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (4993, "4,993"),
        (0.95798, "0.958"),
        (3517.4, "3,517"),
        (1.4e9, "1,400,000,000"),
        (9999.7, "10,000"),
        (-0.0, "0"),
        (-87.6, "−87.6"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert numbers.format_number(value) == shown


def test_measures_stand_under_one_another() -> None:
    assert [numbers.format_metric(value) for value in (0.95, 1.0129, 3517.4, math.nan)] == [
        "0.9500",
        "1.0129",
        "3,517",
        "–",
    ]
    assert [numbers.format_change(value) for value in (-0.00131, 0.0, -0.00001, 233.61, -195600.4, None)] == [
        "−0.0013",
        "0.0000",
        "0.0000",
        "+233.6",
        "−195,600",
        "–",
    ]
    assert [numbers.format_percent(share) for share in (0.343, 0.0, 0.0004, None)] == ["34.3%", "0.0%", "<0.1%", "–"]
    assert numbers.format_interval(Interval(value=1, low=0.5, high=math.nan)) == "–"
    assert numbers.format_change_interval(Interval(value=0, low=-0.25, high=0.125)) == "−0.2500 to +0.1250"
