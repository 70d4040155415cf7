"""What the check of a graph takes from TensorFlow, held against the TensorFlow that is installed."""

import re

import pytest
from google.protobuf import descriptor
from tensorflow.core.framework import op_def_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.client import pywrap_tf_session

from serving.signing import forbidden_operations as operations
from serving.signing import graph_pb2

LOOKED_AT = (
    operations.FORBIDDEN
    | {operation for operation, _ in operations.HARMLESS_ATTRIBUTES}
    | operations.READS_CHECKPOINT
    | operations.WRITES_CHECKPOINT
    | operations.READS_ASSET
    | {"ShardedFilename", "ShardedFilespec"}  # they join texts
)


@pytest.fixture(scope="module")
def registry() -> dict[str, op_def_pb2.OpDef]:
    listed = op_def_pb2.OpList.FromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    return {each.name: each for each in listed.op}


def test_no_operation_names_a_file_or_an_address_that_nobody_has_looked_at(
    registry: dict[str, op_def_pb2.OpDef],
) -> None:
    texts = {
        name: [each.name for each in operation.input_arg]
        + [each.name for each in operation.attr if each.type == "string"]
        for name, operation in registry.items()
    }
    named = {name for name, words in texts.items() if re.search(r"file|path|address|mlir_module", " ".join(words))}
    assert named - LOOKED_AT == set(), "add it to forbidden_operations.py, or say here why it is harmless"
    assert len(named) > 40


def test_the_list_is_spelled_as_tensorflow_spells_it(registry: dict[str, op_def_pb2.OpDef]) -> None:
    assert len(operations.FORBIDDEN & registry.keys()) > 0.9 * len(operations.FORBIDDEN)


def test_the_messages_are_tensorflows() -> None:
    """A wrong number would have the check see an empty graph, which may do anything."""

    def hold(ours: descriptor.Descriptor, official: descriptor.Descriptor, seen: set[str]) -> None:
        if ours.full_name not in seen:
            seen.add(ours.full_name)
            for field in ours.fields:
                other = official.fields_by_name[field.name]
                same = {other.TYPE_ENUM: other.TYPE_INT32}.get(other.type, other.type)
                assert (field.number, field.type, field.has_presence) == (other.number, same, other.has_presence)
                assert (field.containing_oneof is None) == (other.containing_oneof is None), field.full_name
                if field.message_type is not None:
                    hold(field.message_type, other.message_type, seen)

    seen = set[str]()
    hold(graph_pb2.SavedModel.DESCRIPTOR, saved_model_pb2.SavedModel.DESCRIPTOR, seen)
    assert {f"serving.signing.{name}" for name in graph_pb2.DESCRIPTOR.message_types_by_name} <= seen
