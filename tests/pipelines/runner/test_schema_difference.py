"""How the proposal differs from the contract, in words."""

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.runner.schema_difference import compare_schemas

CONTRACT = """
    string_domain { name: "firms" value: "A" value: "B" }
    feature { name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } float_domain { min: 0 max: 100 } }
    feature { name: "pay" type: BYTES presence { min_fraction: 1 } string_domain { name: "pay" value: "Cash" } }
    feature { name: "firm" type: BYTES presence { min_count: 1 } domain: "firms" }
    feature { name: "name" type: BYTES presence { min_count: 1 } }
"""


def lines(proposal: str) -> list[str]:
    return compare_schemas(*(text_format.Parse(text, schema_pb2.Schema()) for text in (proposal, CONTRACT)))


def test_no_difference() -> None:
    assert lines(CONTRACT) == []


def test_what_no_schema_is_inferred_with_is_no_difference() -> None:
    assert lines(CONTRACT.replace("float_domain { min: 0 max: 100 }", "")) == []


def test_columns() -> None:
    without_fare = "\n".join(line for line in CONTRACT.splitlines() if '"fare"' not in line)
    assert lines(without_fare + 'feature { name: "extra" type: INT }') == [
        "extra: in the data, not in the contract",
        "fare: in the contract, not in the data",
    ]


def test_type_and_presence() -> None:
    proposal = CONTRACT.replace("type: FLOAT presence { min_fraction: 1 min_count: 1 }", "type: INT")
    assert lines(proposal) == [
        "fare: type: data INT, contract FLOAT",
        "fare: present in every row: data no, contract yes",
    ]


def test_values() -> None:
    proposal = (
        CONTRACT.replace('value: "B"', 'value: "C" value: "D"')
        .replace('value: "Cash"', 'value: "Cash" value: "Bitcoin"')
        .replace('"name" type: BYTES', '"name" type: BYTES string_domain { value: "any" }')
    )
    assert lines(proposal) == [
        "firm: values not in the contract: C, D",
        "pay: values not in the contract: Bitcoin",
    ], "a column without a domain in the contract may have any value, and values may be absent from the data"
