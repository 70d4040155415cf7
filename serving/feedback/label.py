"""Read the contract's label, whose values are the outcomes. Training reads it; no request holds it."""

import dataclasses
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving.contract import SERVING_ENVIRONMENT, Contract, ContractError, Feature, Kind, from_schema
from serving.did_you_mean import suggestion
from serving.feedback.columns import OUTCOME
from serving.request_log.columns import REQUEST_ID

ROW = "row"  # field of an outcome, in addition to request_id and outcome


def read_label(path: Path, name: str | None = None) -> Feature:
    """Read the label of a contract.

    Args:
        path: the contract, a Schema in text format.
        name: of the label; None selects the contract's one column that no request holds.

    Returns:
        The label, as a required feature.

    Raises:
        ContractError: The contract cannot be read, has no such column or several, or the column is not one plain value.
    """
    try:
        schema = text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ContractError(f"the contract {path} cannot be read: {error}") from error
    unsent = [feature.name for feature in schema.feature if SERVING_ENVIRONMENT in feature.not_in_environment]
    if name is None and len(unsent) != 1:
        raise ContractError(
            f"label: expected one column of the contract {path} that no request holds, received "
            f"{', '.join(unsent) or 'none'}; name the predicted column in the setting label."
        )
    if name is not None and name not in unsent:
        raise ContractError(f"label: no column {name!r} that no request holds; {suggestion(name, unsent)}")
    label = schema_pb2.Schema()
    label.CopyFrom(schema)
    del label.feature[:]
    label.feature.extend(feature for feature in schema.feature if feature.name == (name or unsent[0]))
    label.feature[0].ClearField("not_in_environment")
    return dataclasses.replace(from_schema(label).features[0], required=True)


def outcome_contract(contract: Contract, label: Feature) -> Contract:
    """Return the contract of one outcome: the request's id, its row if it had several, and the outcome."""
    described = f"The outcome, a value of the contract's {label.name}"
    outcome = dataclasses.replace(
        label, name=OUTCOME, description=f"{described}: {label.description}" if label.description else described
    )
    return Contract(
        features=(
            Feature(
                name=REQUEST_ID, kind=Kind.BYTES, required=True, example="8daee6606caaade901d282bc",
                description="The request_id of the answer",
            ),
            Feature(
                name=ROW, kind=Kind.INT, required=False, low=0, high=2**31 - 1, example=0,
                description="The row of the request, from 0; 0 when left out",
            ),
            outcome,
        ),
        missing=contract.missing,
    )  # fmt: skip
