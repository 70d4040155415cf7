"""What a model predicts, by the contract's label: its classes in the order of the outputs, its unit."""

import re

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract import ContractError, Feature, Kind, from_schema
from serving.contract.target import Target
from serving.problem import MULTICLASS, REGRESSION

LABEL = """
annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
feature { name: "house_price" presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } %s }
"""


def label(text: str) -> Feature:
    (found,) = from_schema(text_format.Parse(LABEL % text, schema_pb2.Schema())).features
    return found


@pytest.mark.parametrize(("text", "classes"), [
    ('type: BYTES string_domain { value: "b" value: "a" value: "c" }', ("b", "a", "c")),  # the contract's order
    ("type: INT int_domain { min: 3 max: 5 }", (3, 4, 5)),
    ('type: INT int_domain { min: 2 max: 9 } annotation { tag: "class:9" tag: "class:2" }', (9, 2)),
    ('type: FLOAT annotation { tag: "class:0.5" tag: "class:1" }', (0.5, 1.0)),
    ('type: BYTES annotation { tag: "class:1" tag: "class:no: none" }', ("1", "no: none")),
])  # fmt: skip
def test_classes(text: str, classes: tuple[object, ...]) -> None:
    target = Target.of_label(MULTICLASS, label(text))
    assert target.classes == classes
    assert target.width == len(classes)
    assert [type(one) for one in target.classes] == [type(one) for one in classes]


@pytest.mark.parametrize("text", [
    "type: BYTES", "type: INT", "type: FLOAT float_domain { min: 0 max: 3 }", "type: INT int_domain { min: 0 }",
    "type: INT int_domain { min: 0 max: 86400 }", "type: INT int_domain { min: 1 max: 1 }",
    'type: BYTES string_domain { value: "a" value: "b" } distribution_constraints { min_domain_mass: 0.9 }',
])  # fmt: skip
def test_labels_without_classes(text: str) -> None:
    message = "the classes of house_price are not known: expected a string domain that lists them all, an int_domain"
    with pytest.raises(ContractError, match=message):
        Target.of_label(MULTICLASS, label(text))


def test_a_value_has_the_label_s_unit() -> None:
    found = Target.of_label(REGRESSION, label('type: FLOAT annotation { tag: "unit:EUR" tag: "label:Price" }'))
    assert (found.width, found.classes, found.unit, found.title, found.kind) == (1, (), "EUR", "Price", Kind.FLOAT)
    assert Target.of_label(REGRESSION, label("type: INT")).title == "House price"


@pytest.mark.parametrize(("tags", "message"), [
    ('tag: "class:a"', "the contract's class of house_price is of another type: expected INT, received 'a'"),
    ('tag: "class:1" tag: "class:1"', "the contract names a value of house_price twice"),
    ('tag: "unit:a" tag: "unit:b"', "the contract has 2 tags unit:VALUE of house_price: expected one at most"),
])  # fmt: skip
def test_annotations_that_cannot_be_used(tags: str, message: str) -> None:
    with pytest.raises(ContractError, match=re.escape(message)):
        label(f"type: INT annotation {{ {tags} }}")
