"""What the report says of how the rows were read."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.report.data import describe_missing, describe_rounding, describe_spans, holds_codes


def test_what_was_rounded() -> None:
    errors = '{"fare": 1e-08, "id": 0.0, "longitude": 1.12e-05, "latitude": 6.05e-06, "tips": 1.6e-08}'
    nodes = [{"id": "ExampleGen", "outputs": {"examples": {"properties": {"float32_errors": errors, "rows_train": 7}}}}]
    assert describe_rounding(nodes) == [("rounded to float32", "longitude 1e-05, latitude 6e-06, tips 2e-08")]


def test_nothing_to_say() -> None:
    properties = {"float32_errors": '{"fare": 0.0}'}
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": properties}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {"examples": {"properties": {}}}}]) == []
    assert describe_rounding([{"id": "ExampleGen", "outputs": {}}]) == []
    assert describe_rounding([]) == []


def test_spans_that_are_evaluated_on_are_marked_where_others_are_not() -> None:
    old, new = {"span": "2014Q1", "version": 2, "eval": 0}, {"span": "2014Q2", "version": 1, "eval": 9}
    assert describe_spans([old, new]) == "2014Q1 v2, 2014Q2 v1 (evaluated)"
    assert describe_spans([new]) == "2014Q2 v1"


def test_a_split_without_any_value_is_missing_altogether() -> None:
    assert describe_missing({"train": 0.0, "eval": 0.25}, ["train", "eval"]) == [
        ("train", "0.0%", False), ("eval", "25.0%", True)
    ]  # fmt: skip
    assert describe_missing({"train": 0.5}, ["train", "eval"]) == [("train", "50.0%", True), ("eval", "100.0%", True)]


@pytest.mark.parametrize(
    ("feature", "codes"),
    [
        ('name: "store" type: INT', True),
        ('name: "rooms" type: INT int_domain { min: 0 max: 9 }', False),
        ('name: "day" type: INT annotation { tag: "date:epoch seconds" }', False),
        ('name: "fare" type: FLOAT', False),
    ],
)
def test_whole_numbers_without_a_range_are_names(feature: str, codes: bool) -> None:
    assert holds_codes(text_format.Parse(feature, schema_pb2.Feature())) is codes
