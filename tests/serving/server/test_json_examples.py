"""Bodies of Classify and Regress to tf.Examples, results to bodies."""

import json

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import classification_pb2, input_pb2, regression_pb2

from serving.server.errors import ServingError
from serving.server.json_examples import parse_examples
from serving.server.json_results import encode_classification, encode_regression


def read(body: object) -> tuple[str, input_pb2.Input]:
    name, serialized = parse_examples((body if isinstance(body, str) else json.dumps(body)).encode())
    return name, input_pb2.Input.FromString(serialized)


def test_features_take_the_list_of_their_values() -> None:
    name, request = read(
        '{"examples": [{"miles": 1.5, "fares": [2.0, NaN, 1e300], "hours": [7, true, -1], "empty": []},'
        ' {"company": ["Grün", {"b64": "/w=="}], "paid": false}]}'
    )
    expected = text_format.Parse(
        r"""
        example_list {
          examples { features {
            feature { key: "miles" value { float_list { value: 1.5 } } }
            feature { key: "fares" value { float_list { value: 2.0 value: nan value: inf } } }
            feature { key: "hours" value { int64_list { value: 7 value: 1 value: -1 } } }
            feature { key: "empty" value { } }
          } }
          examples { features {
            feature { key: "company" value { bytes_list { value: "Gr\303\274n" value: "\377" } } }
            feature { key: "paid" value { int64_list { value: 0 } } }
          } }
        }
        """,
        input_pb2.Input(),
    )
    assert name == ""
    assert text_format.MessageToString(request) == text_format.MessageToString(expected)  # NaN is not equal to NaN


def test_a_context_is_kept_apart() -> None:
    name, request = read({"signature_name": "rank", "context": {"city": "Chicago"}, "examples": [{"x": 1}, {}]})
    assert name == "rank"
    with_context = request.example_list_with_context
    assert with_context.context.features.feature["city"].bytes_list.value == [b"Chicago"]
    assert [len(example.features.feature) for example in with_context.examples] == [1, 0]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: The document is empty"),
        ({"signature_name": 3, "examples": [{}]}, "'signature_name' key must be a string value"),
        ({"context": {}}, "When method is classify, key 'examples' is expected and was not found"),
        ({"examples": {"x": 1}}, "Expecting 'examples' value to be a list/array"),
        ({"examples": []}, "'examples' value is an empty array"),
        ({"examples": [1.5]}, "Example must be JSON object but got JSON Number"),
        ({"context": "Chicago", "examples": [{}]}, "Example must be JSON object but got JSON String"),
        ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": [[1]]}]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"examples": [{"x": {"b64": 1}}]}, "Feature: x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": {"b64": "?"}}]}, "Unable to base64 decode"),
        ({"examples": [{"x": [1.5, 1]}]}, "feature: x expecting type: float, received 1"),
        ({"examples": [{"x": [True, "yes"]}]}, 'feature: x expecting type: int64, received "yes"'),
        ({"examples": [{"x": ["yes", 0.5]}]}, "feature: x expecting type: bytes, received 0.5"),
        ({"examples": [{"x": 2**63}]}, "Feature: x has uint64 element. Only int64 is supported"),
    ],
)
def test_what_is_no_example(body: object, message: str) -> None:
    with pytest.raises(ServingError) as error:
        read(body)
    assert error.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert message in error.value.message


def test_labels_and_scores() -> None:
    result = classification_pb2.ClassificationResult()
    first, _, third = (result.classifications.add() for _ in range(3))
    first.classes.add(label="Grün", score=0.1)
    first.classes.add(score=float("nan"))
    third.classes.add(label='"', score=-float("inf"))
    assert encode_classification(result).decode() == (
        '{"results": [[["Grün", 0.1], ["", NaN]], [], [["\\"", -Infinity]]]}'
    )


def test_values() -> None:
    result = regression_pb2.RegressionResult()
    for value in (0.1, 3, float("inf"), float("nan")):
        result.regressions.add(value=value)
    assert encode_regression(result).decode() == '{"results": [0.1, 3.0, Infinity, NaN]}'


def test_an_empty_result_is_no_answer() -> None:
    with pytest.raises(ServingError, match="Cannot convert empty ClassificationResults to JSON"):
        encode_classification(classification_pb2.ClassificationResult())
    with pytest.raises(ServingError, match="Cannot convert empty RegressionResults to JSON"):
        encode_regression(regression_pb2.RegressionResult())


VALUES = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1),
    st.lists(st.floats(width=32), min_size=1),
    st.lists(st.text(), min_size=1),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_every_value_arrives(features: dict[str, list[object]]) -> None:
    _, request = read({"examples": [features]})
    (example,) = request.example_list.examples
    assert set(example.features.feature) == set(features)
    for name, values in features.items():
        feature = example.features.feature[name]
        received = list(getattr(feature, feature.WhichOneof("kind")).value)
        expected = [value.encode() if isinstance(value, str) else value for value in values]
        assert all(type(one) is type(other) for one, other in zip(received, expected, strict=True))
        if isinstance(values[0], float):
            np.testing.assert_array_equal(received, expected)
        else:
            assert received == expected
