"""Which values the contract allows."""

import math

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract.domains import known_strings, number_range


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("", None),
        ('string_domain { value: "a" }', None),
        ("float_domain { min: -1.5 max: 2 }", (-1.5, 2)),
        ("int_domain { min: 0 max: 9 }", (0, 9)),
        ("int_domain { min: 0 }", (0, math.inf)),
        ("float_domain { max: 0 }", (-math.inf, 0)),
    ],
)
def test_number_range(domain: str, expected: tuple[float, float] | None) -> None:
    assert number_range(text_format.Parse(domain, schema_pb2.Feature())) == expected


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("", set()),
        ('string_domain { value: "a" value: "" }', {"a", ""}),
        ('domain: "shared"', {"x", "y"}),
        ('domain: "unknown"', set()),
    ],
)
def test_known_strings(feature: str, expected: set[str]) -> None:
    schema = text_format.Parse('string_domain { name: "shared" value: "x" value: "y" }', schema_pb2.Schema())
    assert known_strings(text_format.Parse(feature, schema_pb2.Feature()), schema) == expected
