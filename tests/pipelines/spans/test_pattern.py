"""How names say spans."""

import pytest

from pipelines.spans.errors import SpanError
from pipelines.spans.pattern import SpanPattern, find_pattern


@pytest.mark.parametrize(
    ("pattern", "stem", "span"),
    [
        ("trips-{YYYY}Q{Q}", "trips-2014Q3", "2014Q3"),
        ("*{YYYY}Q{Q}", "2014Q3", "2014Q3"),
        ("{YYYY}-{MM}-{DD}", "2014-03-09", "2014-03-09"),
        ("{YYYY}{MM}{DD}*", "20140309-final", "2014-03-09"),
        ("*{SPAN}", "part12", "12"),
        ("span-{SPAN}", "span-007", "7"),
        ("a.b{YYYY}", "a.b2014", "2014"),
    ],
)
def test_a_name_says_its_span(pattern: str, stem: str, span: str) -> None:
    found = SpanPattern(pattern).read(stem)
    assert found is not None
    assert found.name == span


@pytest.mark.parametrize(
    ("pattern", "stem"),
    [
        ("trips-{YYYY}Q{Q}", "trips-2014Q5"),
        ("trips-{YYYY}Q{Q}", "old-trips-2014Q3"),
        ("trips-{YYYY}Q{Q}", "trips-2014Q3-new"),
        ("{YYYY}-{MM}-{DD}", "2014-02-30"),
        ("a.b{YYYY}", "axb2014"),
    ],
)
def test_another_name_says_none(pattern: str, stem: str) -> None:
    assert SpanPattern(pattern).read(stem) is None


@pytest.mark.parametrize("pattern", ["trips", "{YYYY}{DD}", "{Q}", "{SPAN}{SPAN}", "{YYYY}Q{Q", "{YYYY}{WEEK}"])
def test_a_pattern_that_says_no_span_is_refused(pattern: str) -> None:
    with pytest.raises(SpanError, match=r"expected one of \{YYYY\}"):
        SpanPattern(pattern)


@pytest.mark.parametrize(
    ("stems", "expected"),
    [
        (["trips-2014Q1", "trips-2014Q2", "march-2"], "*{YYYY}Q{Q}"),  # `*{SPAN}` would fit all three
        (["2014-01-01", "2014-01-02"], "*{YYYY}-{MM}-{DD}"),
        (["2014-01", "2014-02"], "*{YYYY}-{MM}"),
        (["7", "12"], "*{SPAN}"),
        (["part-0001", "part-0012"], "*{SPAN}"),  # no years
        (["trips20140131", "trips20140201"], "*{SPAN}"),  # not the years 131 and 201
        (["trips2014", "trips2015"], "*{YYYY}"),
        (["2014Q1", "notes-2014-01-05", "2014Q2"], "*{YYYY}Q{Q}"),  # one file does not decide for all
    ],
)
def test_the_usual_pattern_is_found_out(stems: list[str], expected: str) -> None:
    found = find_pattern(stems)
    assert found is not None
    assert found.text == expected


def test_no_pattern_for_names_that_say_nothing() -> None:
    assert find_pattern(["notes", "readme"]) is None
