"""What stands for "missing" in a tensor."""

import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2

from components.missing_rule import MissingRule

SCHEMA = schema_pb2.Schema(
    annotation=schema_pb2.Annotation(tag=["missing_string:n/a", "missing_number:-9007199254740992"])
)


@pytest.mark.parametrize(
    ("dtype", "expected"), [(tf.int64, -(2**53)), (tf.float32, -(2.0**53)), (tf.string, b"n/a")], ids=lambda x: str(x)
)
def test_value_for(dtype: tf.DType, expected: int | float | bytes) -> None:
    found = MissingRule.from_schema(SCHEMA).value_for(dtype)
    assert found == expected
    assert type(found) is type(expected)
