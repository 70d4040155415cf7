"""Names, numbers and periods of spans."""

import datetime

import pytest
from tfx.components.example_gen.utils import date_to_span_number

from pipelines.spans.errors import SpanError
from pipelines.spans.span import read_span, span_of_number, span_of_period


@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("2014", (2014, 1, 1), (2015, 1, 1)),
        ("2014Q1", (2014, 1, 1), (2014, 4, 1)),
        ("2014Q4", (2014, 10, 1), (2015, 1, 1)),
        ("2014-02", (2014, 2, 1), (2014, 3, 1)),
        ("2014-12", (2014, 12, 1), (2015, 1, 1)),
        ("2016-02-29", (2016, 2, 29), (2016, 3, 1)),
    ],
)
def test_a_period_has_the_number_that_tfx_gives_its_first_day(
    name: str, begin: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    span = read_span(name, numbered=False)
    assert (span.begin, span.end) == (datetime.date(*begin), datetime.date(*end))
    assert span.number == date_to_span_number(*begin)
    assert str(span) == name


def test_spans_are_in_the_order_of_time() -> None:
    names = ["2015Q1", "2014Q4", "2014Q2"]
    assert [str(span) for span in sorted(read_span(name, numbered=False) for name in names)] == names[::-1]


def test_a_number_is_a_span_of_no_period() -> None:
    span = read_span("2014", numbered=True)
    assert (span.number, span.name, span.begin) == (2014, "2014", None)
    assert span == span_of_number(2014)


@pytest.mark.parametrize("name", ["2014Q5", "2014Q", "2015-02-29", "2015-13", "spring", "", "12", "0000"])
def test_what_no_span_is_called(name: str) -> None:
    with pytest.raises(SpanError, match="expected a name such as 2014Q1"):
        read_span(name, numbered=False)


def test_a_day_that_is_not_in_the_calendar_is_none() -> None:
    assert span_of_period(2015, month=2, day=29) is None
