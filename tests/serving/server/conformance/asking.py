"""Sends a step to a running server, and holds the answer against what is expected."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tests.serving.running_server import RunningServer
from tests.serving.server.conformance.cases import Step

_SECONDS = 60
_REQUESTS: dict[str, type[Message]] = {
    "Predict": predict_pb2.PredictRequest,
    "Classify": classification_pb2.ClassificationRequest,
    "Regress": regression_pb2.RegressionRequest,
    "MultiInference": inference_pb2.MultiInferenceRequest,
    "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
    "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
}


def check(server: RunningServer, base: Path, step: Step) -> None:
    """Asks, and compares.

    Args:
        server: which is asked.
        base: the folder of its models.
        step: the request, and the answer that is expected.

    Raises:
        AssertionError: The answer is another one.
    """
    if step.rest:
        _check_rest(server, step)
    else:
        _check_grpc(server, base, step)


def _check_rest(server: RunningServer, step: Step) -> None:
    method, _, target = step.rest.partition(" ")
    body, headers = step.body.encode(), dict(step.headers)
    if step.gzip:
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    response = httpx.request(method, server.url + target, content=body or None, headers=headers, timeout=_SECONDS)
    assert response.status_code == step.status, response.text
    assert not [name for name in response.headers if name.startswith("access-control-")]  # CORS is off, as by default
    if step.text is not None:
        assert response.text == step.text
        return
    assert response.headers["content-type"].partition(";")[0] == step.media_type
    _check_contains(response.text, step)
    if step.media_type != "application/json":
        return
    answer = response.json()
    if step.status >= 400:
        assert isinstance(answer, dict)
        assert [type(value) for value in answer.values()] == [str]
        assert step.says in answer["error"]
    if step.json is not None:
        assert _plain(answer) == _plain(json.loads(step.json))
    if step.json_part is not None:
        _check_part(answer, json.loads(step.json_part), "answer")


def _plain(value: Any) -> str:
    """A JSON value as text: NaN equals itself, 1 and 1.0 differ, the order of keys does not count."""
    return json.dumps(value, sort_keys=True)


def _check_part(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict), where
        for name, value in expected.items():
            assert name in found, f"{where}: no {name} among {sorted(found)}"
            _check_part(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list):
        assert isinstance(found, list), where
        assert len(found) == len(expected), where
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            _check_part(one, other, f"{where}[{number}]")
    else:
        assert _plain(found) == _plain(expected), where


def _check_grpc(server: RunningServer, base: Path, step: Step) -> None:
    request = text_format.Parse(step.message.replace("{base}", str(base)), _REQUESTS[step.grpc]())
    stub = server.models if hasattr(server.models, step.grpc) else server.prediction
    code, said, answer = _call(getattr(stub, step.grpc), request)
    assert code == step.code, said
    assert step.says in said
    if answer is not None:
        if step.answer is not None:
            assert answer == text_format.Parse(step.answer, type(answer)())
        _check_contains(text_format.MessageToString(answer, as_one_line=True), step)


def _call(method: Callable[..., Message], request: Message) -> tuple[str, str, Message | None]:
    """Returns the code, the error's text, and the answer where there is one."""
    try:
        return "OK", "", method(request, timeout=_SECONDS)
    except grpc.RpcError as error:
        return error.code().name, error.details(), None


def _check_contains(text: str, step: Step) -> None:
    for part in step.contains:
        assert part in text
