"""Make a row's type and its tensors' dtypes from the contract; a peer's author would write them by hand."""

from typing import Any

import pydantic
import tensorflow as tf

from serving.contract import Contract, Kind

_TYPES: dict[Kind, type] = {Kind.INT: int, Kind.FLOAT: float, Kind.BYTES: str}
_DTYPES = {Kind.INT: tf.int64, Kind.FLOAT: tf.float32, Kind.BYTES: tf.string}


def row_type(contract: Contract) -> type[pydantic.BaseModel]:
    """Return a class with a field for each feature; the default of an optional field is the missing-value marker."""
    fields: dict[str, Any] = {
        feature.name: (_TYPES[feature.kind], ... if feature.required else contract.spelled_missing[feature.name])
        for feature in contract.features
    }
    return pydantic.create_model("Row", **fields)


def dtypes(contract: Contract) -> dict[str, Any]:
    """Return the dtype of each feature's tensor."""
    return {feature.name: _DTYPES[feature.kind] for feature in contract.features}
