"""A row's type and its tensors' dtypes, made from the contract: what a peer's author would write by hand."""

from typing import Any

import pydantic
import tensorflow as tf

from serving.contract import Contract, Kind

_TYPES: dict[Kind, type] = {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}
_DTYPES = {Kind.INT: tf.int64, Kind.FLOAT: tf.float32, Kind.BYTES: tf.string}


def row_type(contract: Contract) -> type[pydantic.BaseModel]:
    """A class with a field for each feature; what is missing has the value that spells it."""
    fields: dict[str, Any] = {
        feature.name: (_TYPES[feature.kind], ... if feature.required else contract.spelled_missing[feature.name])
        for feature in contract.features
    }
    return pydantic.create_model("Row", **fields)


def dtypes(contract: Contract) -> dict[str, Any]:
    """The dtype of each feature's tensor."""
    return {feature.name: _DTYPES[feature.kind] for feature in contract.features}
