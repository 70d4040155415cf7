"""Write the results of Classify and Regress as JSON, as TensorFlow Serving does."""

import json

import numpy as np
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server.errors import InvalidArgumentError
from serving.server.json_arrays import array_text


def encode_classification(result: classification_pb2.ClassificationResult) -> bytes:
    """Write a list of [label, score] for each example.

    Args:
        result: the scores of each example.

    Returns:
        The answer's body.

    Raises:
        InvalidArgumentError: There is no example.
    """
    if not result.classifications:
        raise InvalidArgumentError("Cannot convert empty ClassificationResults to JSON")
    examples = []
    for classifications in result.classifications:
        scores = np.fromiter((each.score for each in classifications.classes), np.float32)
        labels = [each.label for each in classifications.classes]
        examples.append(list(zip(labels, json.loads(array_text("", scores)), strict=True)))
    return json.dumps({"results": examples}, ensure_ascii=False).encode()


def encode_regression(result: regression_pb2.RegressionResult) -> bytes:
    """Write the value of each example.

    Args:
        result: the value of each example.

    Returns:
        The answer's body.

    Raises:
        InvalidArgumentError: There is no example.
    """
    if not result.regressions:
        raise InvalidArgumentError("Cannot convert empty RegressionResults to JSON")
    values = np.fromiter((each.value for each in result.regressions), np.float32)
    return f'{{"results": {array_text("", values)}}}'.encode()
