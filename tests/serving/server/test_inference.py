"""What a model may answer to Classify and Regress."""

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import classification_pb2, regression_pb2

from serving.server import inference
from serving.server.errors import ServingError
from serving.server.json_results import encode_classification, encode_regression

SCORES = np.array([[0.25, 0.75]], np.float32)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ({"scores": SCORES.astype(np.float64)}, "Expected scores Tensor of DT_FLOAT; received float64"),
        ({"scores": SCORES[0]}, r"Expected scores Tensor shape \[1 num_classes\]; received \[2\]"),
        ({"scores": np.tile(SCORES, (3, 1))}, r"received \[3, 2\]"),
        ({"classes": np.array([[b"one"]], object), "scores": SCORES}, "Expected as many classes as scores"),
        ({"classes": np.array([[b"\xff", b"b"]], object), "scores": SCORES}, "Expected class labels in UTF-8"),
    ],
)
def test_answers_that_do_not_classify(outputs: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(ServingError, match=said):
        inference.classification(outputs, 1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros(1, np.int64), "Expected output Tensor of DT_FLOAT; received int64"),
        (np.zeros((1, 2), np.float32), r"either \[1\] or \[1 1\]; received \[1, 2\]"),
    ],
)
def test_answers_that_do_not_regress(values: np.ndarray, said: str) -> None:
    with pytest.raises(ServingError, match=said):
        inference.regression({"outputs": values}, 1)


def test_labels_without_scores_score_nothing() -> None:
    (row,) = inference.classification({"classes": np.array([[b"low", b"high"]], object)}, 1)
    assert [(entry.label, entry.score) for entry in row.classes] == [("low", 0), ("high", 0)]


def test_results_without_an_example_have_no_json() -> None:
    """No request comes as far as this: one without Examples is refused before."""
    with pytest.raises(ServingError, match="empty ClassificationResults") as classified:
        encode_classification(classification_pb2.ClassificationResult())
    with pytest.raises(ServingError, match="empty RegressionResults") as regressed:
        encode_regression(regression_pb2.RegressionResult())
    assert classified.value.code == regressed.value.code == grpc.StatusCode.INVALID_ARGUMENT
