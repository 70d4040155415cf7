import json

import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from benchmarks.serving import answers
from benchmarks.serving.phases import PEERS, Transport
from serving.server import tensors

EXPECTED = (0.25, 0.75)
OURS = [transport for transport in Transport if transport not in PEERS]  # they answer one row at a time


def body(transport: Transport, predictions: list[float]) -> bytes:
    """An answer as the server or the gateway writes it."""
    match transport:
        case Transport.REST_ROWS:
            return json.dumps({"predictions": [[value] for value in predictions]}).encode()
        case Transport.REST_COLUMNS:
            return json.dumps({"outputs": [[value] for value in predictions]}).encode()
        case Transport.GATEWAY:
            rows = [{"probability": value, "decision": value >= 0.5} for value in predictions]
            return json.dumps({"predictions": rows, "model_version": "17", "model_label": None}).encode()
    response = predict_pb2.PredictResponse()
    response.model_spec.name = "taxi"
    response.model_spec.version.value = 17
    column = np.array(predictions, np.float32).reshape(-1, 1)
    response.outputs["predictions"].CopyFrom(tensors.to_proto(column))
    return bytes(response.SerializeToString())


@pytest.mark.parametrize("transport", OURS)
def test_the_models_own_predictions_pass_and_tell_the_version(transport: Transport) -> None:
    says_version = transport not in (Transport.REST_ROWS, Transport.REST_COLUMNS)
    assert answers.check(transport, body(transport, [0.25, 0.75]), EXPECTED) == (17 if says_version else None)


def test_the_peers_answer_one_row() -> None:
    assert answers.check(Transport.BENTOML, b'[{"probability": 0.25}]', [0.25]) is None
    assert answers.check(Transport.PEER, b'{"probability": 0.25}', [0.25]) is None
    with pytest.raises(answers.WrongAnswerError, match="FastAPI peer: other predictions than the model's own"):
        answers.check(Transport.PEER, b'{"probability": 0.251}', [0.25])


@pytest.mark.parametrize("transport", OURS)
def test_another_prediction_does_not(transport: Transport) -> None:
    with pytest.raises(answers.WrongAnswerError, match=f"{transport}: other predictions than the model's own"):
        answers.check(transport, body(transport, [0.25, 0.751]), EXPECTED)


@pytest.mark.parametrize("transport", OURS)
def test_a_lost_row_does_not(transport: Transport) -> None:
    with pytest.raises(answers.WrongAnswerError, match="expected 2 predictions, received 1"):
        answers.check(transport, body(transport, [0.25]), EXPECTED)


@pytest.mark.parametrize("transport", Transport)
def test_bytes_that_are_no_answer_do_not(transport: Transport) -> None:
    with pytest.raises(answers.WrongAnswerError, match="no predictions in the answer: "):
        answers.check(transport, b'{"error": "no"}', EXPECTED)
