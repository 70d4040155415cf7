"""Which spans a run takes."""

import pytest

from pipelines.spans.errors import SpanError
from pipelines.spans.selection import SpanSelection

THERE = ["2013Q4", "2014Q1", "2014Q2", "2014Q4"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("all", THERE),
        ("last:2", ["2014Q2", "2014Q4"]),
        ("last:9", THERE),
        ("2014Q1", ["2014Q1"]),
        ("2014Q1..2014Q3", ["2014Q1", "2014Q2"]),  # a range may begin or end where no span is
        ("2013-12-31..2014Q2", ["2014Q1", "2014Q2"]),  # by the first day of each
    ],
)
def test_a_choice_among_quarters(choice: str, expected: list[str]) -> None:
    assert SpanSelection.parse(choice).choose(THERE) == expected


def test_a_range_of_numbers() -> None:
    assert SpanSelection.parse("9..11").choose(["2", "9", "10", "12"]) == ["9", "10"]


@pytest.mark.parametrize("choice", ["", "spring", "last", "last:0", "last:-1", "..2014Q1", "2014Q1..", "2014Q1..x"])
def test_what_is_no_choice(choice: str) -> None:
    with pytest.raises(SpanError, match="expected all, last:4"):
        SpanSelection.parse(choice)


@pytest.mark.parametrize(
    ("choice", "words"),
    [("2015Q1", "accepted: 2013Q4 to 2014Q4"), ("2014Q4..2014Q1", "received none")],
)
def test_a_choice_that_leaves_nothing(choice: str, words: str) -> None:
    with pytest.raises(SpanError, match=words):
        SpanSelection.parse(choice).choose(THERE)
