"""What an outcome may be, read from contracts of several kinds."""

from pathlib import Path

import pytest

from serving import contract as contracts
from serving.contract import ContractError
from serving.feedback.label import outcome_contract, read_label

SCHEMA = """
default_environment: "TRAINING"
default_environment: "SERVING"
annotation {{ tag: "missing_number:-9007199254740992" tag: "missing_string:" }}
feature {{ name: "fare" type: FLOAT presence {{ min_fraction: 1 }} shape {{ dim {{ size: 1 }} }} }}
{columns}
string_domain {{ name: "answer" value: "no" value: "yes" }}
"""
WORDS = """feature { name: "churned" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } domain: "answer"
  not_in_environment: "SERVING" annotation { comment: "Whether the customer left" } }"""
CLASSES = """feature { name: "churned" type: INT value_count { max: 1 } int_domain { min: 0 max: 2 }
  not_in_environment: "SERVING" }"""
OTHER = """feature { name: "left_on" type: INT value_count { max: 1 } not_in_environment: "SERVING" }"""
LISTS = """feature { name: "churned" type: INT value_count { max: 3 } not_in_environment: "SERVING" }"""


def written(folder: Path, *columns: str) -> Path:
    path = folder / "schema.pbtxt"
    path.write_text(SCHEMA.format(columns="\n".join(columns)))
    return path


def test_classes_that_are_words(tmp_path: Path) -> None:
    path = written(tmp_path, WORDS)
    label = read_label(path)
    missing = contracts.read(path).missing
    assert [label.accepts(value, missing) for value in ("yes", "no", "maybe", "", 1)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert label.expectation == 'one of "no", "yes"'
    outcome = outcome_contract(contracts.read(path), label).features[-1]
    assert outcome.description == "The outcome, a value of the contract's churned: Whether the customer left"


def test_classes_that_are_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, CLASSES)
    label = read_label(path)
    missing = contracts.read(path).missing
    assert label.required
    assert [label.accepts(value, missing) for value in (0, 2, 3, -1, 1.0, True)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_of_several_columns_that_no_request_holds_the_setting_names_one(tmp_path: Path) -> None:
    path = written(tmp_path, WORDS, OTHER)
    with pytest.raises(
        ContractError, match=r"received churned, left_on; name the predicted column in the setting label"
    ):
        read_label(path)
    assert read_label(path, "churned").name == "churned"
    with pytest.raises(ContractError, match="did you mean 'churned'"):
        read_label(path, "churn")
    with pytest.raises(ContractError, match="no column 'fare' that no request holds"):
        read_label(path, "fare")


def test_contracts_without_a_label_that_is_one_value(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="received none"):
        read_label(written(tmp_path))
    with pytest.raises(ContractError, match="churned cannot be sent as one plain value"):
        read_label(written(tmp_path, LISTS))
    with pytest.raises(ContractError, match="cannot be read"):
        read_label(tmp_path / "none.pbtxt")
