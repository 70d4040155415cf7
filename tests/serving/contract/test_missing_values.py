"""How the contract says what "missing" is."""

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract.missing_values import MissingValues, in_float32


def rule(*tags: str) -> MissingValues:
    return MissingValues.from_schema(schema_pb2.Schema(annotation=schema_pb2.Annotation(tag=tags)))


def test_rule() -> None:
    found = rule("missing_string:n/a", "something else", "missing_number:-9007199254740992")
    assert found == MissingValues(number=-(2**53), string="n/a")


def test_a_colon_in_the_string() -> None:
    assert rule("missing_number:-1", "missing_string:a:b").string == "a:b"


@pytest.mark.parametrize(
    ("tags", "lacking", "count"),
    [
        (["missing_string:"], "missing_number:", 0),
        (["missing_number:-1"], "missing_string:", 0),
        (["missing_number:-1", "missing_number:-2", "missing_string:"], "missing_number:", 2),
    ],
)
def test_each_tag_once(tags: list[str], lacking: str, count: int) -> None:
    with pytest.raises(ValueError, match="the contract must define") as error:
        rule(*tags)
    assert str(error.value) == (
        "the contract must define how serving_raw receives a missing value: expected one schema-level tag "
        f"'{lacking}VALUE', received {count}; add e.g. annotation {{ tag: \"missing_number:-9007199254740992\" "
        'tag: "missing_string:" } to the schema.'
    )


NOT_EXACT = {
    "in float32": ("-9007199254740993", "16777217", "9223372036854775807"),
    "in int64": (str(2**63), str(-(2**70))),
    "at all": ("", "nothing", "1.5", "nan"),
}


@pytest.mark.parametrize("number", [number for numbers in NOT_EXACT.values() for number in numbers])
def test_a_number_that_not_every_feature_can_hold(number: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number") as error:
        rule(f"missing_number:{number}", "missing_string:")
    assert str(error.value) == (
        f"the contract's tag missing_number:{number} is not a whole number that is exact in int64 and float32: "
        "expected a power of two such as -9007199254740992; change the tag."
    )


@pytest.mark.parametrize(("number", "expected"), [(41.63, 41.630001068115234), (-(2**53) - 1, -(2.0**53)), (1e-60, 0)])
def test_in_float32(number: float, expected: float) -> None:
    assert in_float32(number) == expected


def test_no_float32_is_that_large() -> None:
    with pytest.raises(OverflowError):
        in_float32(3.5e38)
