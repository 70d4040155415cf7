"""Compare answers with the model's own predictions, so that a wrong answer counts as a failed one."""

import json
import math
from collections.abc import Sequence

from benchmarks.serving.phases import Transport
from benchmarks.serving.predict_response_pb2 import PredictResponse

_TOLERANCE = 1e-6  # of a probability: kernels may add in another order at another batch size


class WrongAnswerError(Exception):
    """The answer holds no predictions, or not the model's."""


def check(transport: Transport, body: bytes, expected: Sequence[float]) -> int | None:
    """Check an answer.

    Args:
        transport: of the request.
        body: the answer.
        expected: the prediction for each row of the request.

    Returns:
        The model version that answered, if the answer names it.

    Raises:
        WrongAnswerError: It does not hold these predictions.
    """
    try:
        found, version = _READERS[transport](body)
    except Exception as error:  # unchecked bytes may raise anything
        raise WrongAnswerError(f"{transport}: no predictions in the answer: {type(error).__name__}") from error
    if len(found) != len(expected):
        raise WrongAnswerError(f"{transport}: expected {len(expected)} predictions, received {len(found)}")
    if not all(map(_close, found, expected)):
        raise WrongAnswerError(f"{transport}: other predictions than the model's own")
    return version


def _close(found: float, expected: float) -> bool:
    return math.isclose(found, expected, rel_tol=0, abs_tol=_TOLERANCE)


def _rest_rows(body: bytes) -> tuple[list[float], None]:
    return [row[0] for row in json.loads(body)["predictions"]], None


def _rest_columns(body: bytes) -> tuple[list[float], None]:
    return [row[0] for row in json.loads(body)["outputs"]], None


def _gateway(body: bytes) -> tuple[list[float], int]:
    answer = json.loads(body)
    return [prediction["probability"] for prediction in answer["predictions"]], int(answer["model_version"])


def _peer(body: bytes) -> tuple[list[float], None]:
    return [json.loads(body)["probability"]], None


def _bentoml(body: bytes) -> tuple[list[float], None]:
    return [row["probability"] for row in json.loads(body)], None


def _grpc(body: bytes) -> tuple[list[float], int]:
    response = PredictResponse.FromString(body)
    return list(response.outputs["predictions"].float_val), response.model_spec.version.value


_READERS = {
    Transport.REST_ROWS: _rest_rows,
    Transport.REST_COLUMNS: _rest_columns,
    Transport.GRPC_COLUMNS: _grpc,
    Transport.GRPC_EXAMPLES: _grpc,
    Transport.GATEWAY: _gateway,
    Transport.PEER: _peer,
    Transport.PEER_ASYNC: _peer,
    Transport.BENTOML: _bentoml,
}
