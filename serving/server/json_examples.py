"""Parse the JSON of Classify and Regress into tf.Examples, as TensorFlow Serving does."""

from typing import Any

import numpy as np

from serving.server.errors import InvalidArgumentError
from serving.server.example_messages_pb2 import Example, Feature, Input
from serving.server.json_values import decode_b64, is_b64, json_type, parse_object, shown, signature_name_of

_INT64 = range(-(2**63), 2**63)


def parse_examples(body: bytes) -> tuple[str, bytes]:
    """Parse the body of a classify or regress request: `examples`, and an optional `context` that all of them share.

    A feature is a value or a list of values of one kind: strings and b64 objects are bytes, numbers with a decimal
    point or an exponent are floats, other numbers and bools are int64.

    Args:
        body: the request's body.

    Returns:
        The signature's name, "" when there is none, and a serialized tensorflow.serving.Input.

    Raises:
        InvalidArgumentError: The body is not a JSON object, `examples` is missing, or a feature's values are of mixed
            or unsupported kinds.
    """
    document = parse_object(body)
    signature_name = signature_name_of(document)
    request = Input()
    examples = request.example_list.examples
    if "context" in document:
        _fill_example(document["context"], request.example_list_with_context.context)
        examples = request.example_list_with_context.examples
    if "examples" not in document:
        # TensorFlow Serving's message says "classify" for both methods.
        problem = "When method is classify, key 'examples' is expected and was not found"
    elif type(document["examples"]) is not list:
        problem = "Expecting 'examples' value to be a list/array"
    elif not document["examples"]:
        problem = "'examples' value is an empty array"
    else:
        for value in document["examples"]:
            _fill_example(value, examples.add())
        return signature_name, request.SerializeToString(deterministic=True)
    raise InvalidArgumentError(f"JSON Value: {shown(document)} {problem}")


def _fill_example(value: Any, example: Example) -> None:
    if type(value) is not dict:
        raise InvalidArgumentError(f"Example must be JSON object but got JSON {json_type(value)}")
    with np.errstate(over="ignore"):  # 1e300 becomes infinite in a float feature, without a warning
        for name, content in value.items():
            _fill_feature(name, content if type(content) is list else [content], example.features.feature[name])


def _fill_feature(name: str, values: list[Any], feature: Feature) -> None:
    """Write values, all of one kind, into the feature."""
    kinds = [_kind(name, value) for value in values]
    for kind, value in zip(kinds, values, strict=True):
        if kind != kinds[0]:
            raise InvalidArgumentError(
                f"Unexpected element type in feature: {name} expecting type: {kinds[0]}, received {shown(value)}"
            )
    if "bytes" in kinds:
        feature.bytes_list.value.extend(each.encode() if type(each) is str else decode_b64(each) for each in values)
    elif "float" in kinds:
        feature.float_list.value.extend(np.array(values, np.float32).tolist())
    elif kinds:
        feature.int64_list.value.extend(map(int, values))


def _kind(name: str, value: Any) -> str:
    """Return the list of a Feature that takes the value.

    Raises:
        InvalidArgumentError: No list takes it.
    """
    if type(value) is str or is_b64(value):
        return "bytes"
    if type(value) is float:
        return "float"
    if type(value) is bool or (type(value) is int and value in _INT64):
        return "int64"
    if type(value) is int:
        raise InvalidArgumentError(
            f"Feature: {name} has uint64 element. Only int64 is supported, received {shown(value)}"
        )
    raise InvalidArgumentError(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")
