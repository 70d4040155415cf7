"""What a contract says of a request."""

import csv
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from data import taxi
from serving import contract
from serving.contract import Contract, ContractError, Feature, Kind, dates
from serving.contract.missing_values import MissingValues

TAXI = Path(taxi.__file__).parent / "schema" / "taxi.pbtxt"
RULE = 'annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }'
REQUIRED = "presence { min_fraction: 1 } shape { dim { size: 1 } }"
OPTIONAL = "value_count { max: 1 }"
MISSING = MissingValues(number=-(2**53), string="")


def contract_of(*features: str, more: str = "") -> Contract:
    text = f"{RULE} {more} " + " ".join(f"feature {{ {feature} }}" for feature in features)
    return contract.from_schema(text_format.Parse(text, schema_pb2.Schema()))


def feature_of(text: str, more: str = "") -> Feature:
    (feature,) = contract_of(text, more=more).features
    return feature


def test_the_taxi_contract() -> None:
    found = contract.read(TAXI)
    by_name = {feature.name: feature for feature in found.features}
    assert found.missing == MISSING
    assert list(by_name)[:3] == ["trip_start_timestamp", "trip_start_hour", "trip_start_day"]
    assert len(by_name) == 17
    assert "tips" not in by_name
    assert [name for name, feature in by_name.items() if feature.required] == [
        "trip_start_timestamp", "trip_start_hour", "trip_start_day", "trip_start_month",
        "fare", "trip_miles", "payment_type",
    ]  # fmt: skip
    assert by_name["pickup_latitude"] == Feature(
        name="pickup_latitude",
        kind=Kind.FLOAT,
        required=False,
        low=41.63,
        high=42.04,
        description="Degrees north of the centre of the tract or area where the trip starts",
        example=41.892507781,
    )
    assert by_name["payment_type"].known == (
        "Cash",
        "Credit Card",
        "Dispute",
        "No Charge",
        "Pcard",
        "Prcard",
        "Unknown",
    )
    assert by_name["payment_type"].closed is False  # min_domain_mass is 0.95
    assert all(feature.description for feature in found.features)


def test_the_taxi_example_is_a_real_trip() -> None:
    example = {name: str(value) for name, value in contract.read(TAXI).example.items()}
    with taxi.packaged_file().open(newline="") as file:
        rows = [{name: row[name].removesuffix(".0") for name in example} for row in csv.DictReader(file)]
    assert example in rows
    assert len(example) == 16  # all but the census tract of the pickup, which the trip does not have


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("type: INT int_domain { min: 0 max: 23 }", "a whole number from 0 to 23"),
        ("type: INT int_domain { min: 1 }", "a whole number of at least 1"),
        ("type: INT", "a whole number that int64 holds"),
        ("type: FLOAT float_domain { max: 0.1 }", "a number of at most 0.1"),
        ("type: FLOAT", "a number that float32 holds"),
        ("type: BYTES", "a string that is not blank"),
        ('type: BYTES string_domain { value: "b" value: "a" }', 'one of "a", "b"'),
        ('type: BYTES domain: "known"', 'one of "x", "y"'),
        ('type: BYTES domain: "known" distribution_constraints { min_domain_mass: 0.9 }', "a string that is not blank"),
    ],
)
def test_expectation(text: str, words: str) -> None:
    known = 'string_domain { name: "known" value: "x" value: "y" }'
    assert feature_of(f'name: "a" {OPTIONAL} {text}', more=known).expectation == words


ACCEPTED: dict[str, tuple[list[Any], list[Any]]] = {
    "type: INT int_domain { min: 0 max: 23 }": ([0, 23], [-1, 24, 1.0, True, "1", None, math.nan, 10**400]),
    "type: INT": ([-(2**63), 2**63 - 1], [2**63, -(2**63) - 1, -(2**53)]),
    # 41.63 is 41.630001068115234 as float32: what is compared is what the model sees.
    "type: FLOAT float_domain { min: 41.63 max: 42.04 }": (
        [41.63, 42.04, 42],
        [41.629, 42.041, math.nan, math.inf],
    ),
    "type: FLOAT": ([-1, 1e38, -1e-60], [1e39, math.inf, math.nan, False, "1", 10**400, -(2**53), -(2.0**53) - 1]),
    "type: BYTES": (["a", "ü", " a"], ["", " ", 1, b"a", None]),
    'type: BYTES string_domain { value: "a" }': (["a"], ["b", "A", ""]),
}


@pytest.mark.parametrize(("text", "values"), ACCEPTED.items(), ids=list(ACCEPTED))
def test_accepts(text: str, values: tuple[list[Any], list[Any]]) -> None:
    feature = feature_of(f'name: "a" {OPTIONAL} {text}')
    good, bad = values
    assert [value for value in good if not feature.accepts(value, MISSING)] == []
    assert [value for value in bad if feature.accepts(value, MISSING)] == []


def test_what_files_spell_missing_is_no_value_of_a_request() -> None:
    missing = dataclasses.replace(MISSING, cells=frozenset({"N/A", "-999"}))
    text, number = feature_of(f'name: "a" {OPTIONAL} type: BYTES'), feature_of(f'name: "a" {OPTIONAL} type: FLOAT')
    sent = ["N/A", " N/A", "-999", "n/a", "N/A?"]
    assert [value for value in sent if text.accepts(value, missing)] == ["n/a", "N/A?"]
    assert [value for value in (-999, -999.0, -998.5) if number.accepts(value, missing)] == [-998.5]


def test_inputs_spell_missing_values() -> None:
    found = contract_of(
        f'name: "n" type: INT {REQUIRED}', f'name: "x" type: FLOAT {OPTIONAL}', f'name: "s" type: BYTES {OPTIONAL}'
    )
    assert found.inputs([{"n": 1, "x": 0.5, "s": "a"}, {"n": 2, "x": None}]) == {
        "n": [1, 2],
        "x": [0.5, -9007199254740992],
        "s": ["a", ""],
    }


REFUSED = {
    'name: "a" type: FLOAT value_count { max: 3 }': "a cannot be sent as one plain value: expected type INT, FLOAT or",
    'name: "a" type: FLOAT': "a cannot be sent as one plain value",
    'name: "a" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 2 } }': "a cannot be sent as one plain",
    'name: "a" type: STRUCT value_count { max: 1 }': "received type STRUCT; change the contract, or keep",
    f'name: "a" type: INT {OPTIONAL} annotation {{ tag: "example:x" }}': "a is of another type: expected INT, rec",
    f'name: "a" type: INT {OPTIONAL} annotation {{ tag: "example:1" tag: "example:2" }}': "has 2 examples of a: ",
    f'name: "a" type: INT {OPTIONAL} int_domain {{ max: 1 }} annotation {{ tag: "example:2" }}': (
        "example of a breaks the contract: expected a whole number of at most 1, received 2; change the tag"
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items(), ids=list(REFUSED))
def test_a_contract_that_describes_no_request(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        contract_of(text)


def test_an_example_has_every_required_feature() -> None:
    with pytest.raises(ContractError, match="none of b, which is required: expected a tag example:"):
        contract_of(
            f'name: "a" type: INT {OPTIONAL} annotation {{ tag: "example:1" }}', f'name: "b" type: INT {REQUIRED}'
        )


def test_a_feature_outside_the_environment_is_none_of_a_request() -> None:
    assert contract_of('name: "a" not_in_environment: "SERVING"').features == ()


def test_no_missing_rule() -> None:
    with pytest.raises(ContractError, match="the contract must define how serving_raw receives a missing value"):
        contract.from_schema(schema_pb2.Schema())


@pytest.mark.parametrize("text", [None, b"feature {", b"\xff"])
def test_a_file_that_cannot_be_read(tmp_path: Path, text: bytes | None) -> None:
    path = tmp_path / "schema.pbtxt"
    if text is not None:
        path.write_bytes(text)
    with pytest.raises(ContractError, match=r"schema\.pbtxt cannot be read: expected a Schema in text format"):
        contract.read(path)


def dated(written: str, kind: str = "BYTES", example: str = "") -> str:
    tags = f'tag: "date:{written}"' + (f' tag: "example:{example}"' if example else "")
    return f'name: "day" type: {kind} {OPTIONAL} annotation {{ {tags} }}'


@pytest.mark.parametrize(
    ("text", "value", "allowed"),
    [
        (dated("%d.%m.%Y %H:%M"), "08.09.2026 18:34", True),
        (dated("%d.%m.%Y %H:%M"), "2026-09-08", False),
        (dated("%d.%m.%Y %H:%M"), "", False),
        (dated("%Y-%m-%d"), "2026-02-29", False),
        (dated("%Y-%m-%d"), 20260908, False),
        (dated("%Y%m%d", "INT"), 20260908, True),
        (dated("%Y%m%d", "INT"), 20261308, False),
        (dated("epoch seconds", "INT"), 1_437_057_900, True),
    ],
)
def test_a_date_is_written_as_the_contract_says(text: str, value: object, allowed: bool) -> None:
    assert feature_of(text).accepts(value, MISSING) is allowed


def test_what_a_date_has_to_be_is_said() -> None:
    feature = feature_of(dated("%Y-%m-%d"))
    assert feature.expectation == "a date or time written %Y-%m-%d, such as 2022-02-28"
    feature = feature_of(dated("%Y%m%d", "INT"))
    assert feature.expectation == "a date or time written %Y%m%d, such as 20220228, as a whole number, that int64 holds"


@pytest.mark.parametrize("written", [
    "%d.%m.%Y %H:%M", "%b %d, %Y %I:%M %p", "%Y-%m-%dT%H:%M:%S%z", "epoch seconds", "epoch milliseconds", "%m%d",
])  # fmt: skip
def test_the_example_of_a_format_has_this_format(written: str) -> None:
    as_number = written[-1] == "s" or written == "%m%d"
    text = dates.describe(written, as_number=as_number).removeprefix(f"a date or time written {written}, such as ")
    assert dates.parse(text, written) is not None
    assert not (as_number and text.startswith("0"))


@pytest.mark.parametrize("written", [
    "", "yyyy-mm-dd", "%Y-%q", "%", "%d %d", "%Y-%m %b", "%I:%M", "%H:%M %p", "%H %I %p", "%M:%M", "%Y-%m-%d%",
])  # fmt: skip
def test_an_unknown_way_to_write_dates_is_refused(written: str) -> None:
    with pytest.raises(ContractError, match=r"the format of dates of day is invalid: expected one tag date:FORMAT"):
        feature_of(dated(written))


@pytest.mark.parametrize(
    ("written", "kind", "expected"),
    [
        ("%Y-%m-%d", "FLOAT", "INT or BYTES"),
        ("epoch seconds", "FLOAT", "INT"),
        ("epoch milliseconds", "BYTES", "INT"),
    ],
)
def test_a_date_has_a_type_that_holds_it(written: str, kind: str, expected: str) -> None:
    with pytest.raises(
        ContractError, match=rf"day has the tag date:{written} and the type {kind}: expected {expected}, "
    ):
        feature_of(dated(written, kind))


def test_the_example_of_a_date_is_one() -> None:
    with pytest.raises(
        ContractError, match="expected a date or time written %Y-%m-%d, such as 2022-02-28, received 'soon'"
    ):
        feature_of(dated("%Y-%m-%d", example="soon"))
