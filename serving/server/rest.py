"""Serve the REST port: TensorFlow Serving's routes, as an ASGI application.

TensorFlow Serving matches the raw request target, query string included, with its own regular expressions. This module
does the same, because no router would match as it does.
"""

import asyncio
import inspect
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import grpc
import numpy as np
from google.protobuf import json_format, message
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2, get_model_metadata_pb2, input_pb2, model_pb2, regression_pb2

from serving import request_id
from serving.http_bounds.protocol import Refusal, RefusalAnswer
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.json_examples import parse_examples
from serving.server.json_results import encode_classification, encode_regression
from serving.server.json_tensors import PredictBody, encode_predict, parse_predict
from serving.server.large_json import LargeJson, LargePredictBody
from serving.server.rest_body import BodyMemory, ClientGoneError, read_body, while_connected
from serving.server.service import DEADLINE, Service
from serving.tracing.tracer import Tracer

_FLAGS = re.IGNORECASE | re.ASCII
_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_API = re.compile(r"/v1/.*", _FLAGS | re.DOTALL)
_INFERENCE = re.compile(rf"/v1/models/(?P<name>[^/:]+){_VERSION}:(?P<verb>classify|regress|predict)", _FLAGS)
_MODEL = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?P<metadata>/metadata)?", _FLAGS)
_LARGEST_VERSION = 2**63 - 1
# Write fields at their defaults, too; protobuf 5 renamed this option.
_OPTIONS = {"including_default_value_fields", "always_print_fields_with_no_presence"}
_WITH_DEFAULTS = dict.fromkeys(_OPTIONS & inspect.signature(json_format.MessageToJson).parameters.keys(), True)
_LARGE = 2**18  # bytes; smaller bodies are parsed and written within milliseconds
_one_thread = ThreadPoolExecutor(1, thread_name_prefix="json")
_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def rest_app(
    service: Service,
    monitoring_path: str | None,
    render_metrics: Callable[[], bytes],
    *,
    large_json: LargeJson | None = None,
    seconds: float = 30,
    tracer: Tracer | None = None,
) -> App:
    """Return the application that answers on the REST port.

    Args:
        service: answers the requests.
        monitoring_path: the path of the metrics; None disables them.
        render_metrics: returns the metrics in Prometheus' text format.
        large_json: parses large bodies; None creates one.
        seconds: the time limit of an answer, from the end of the request's body.
        tracer: traces requests; None disables traces.

    Returns:
        The ASGI application.
    """
    requests = _Requests(service, large_json or LargeJson(), seconds)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        target = _target(scope)
        response: App
        try:
            if monitoring_path and target.partition("?")[0] == monitoring_path:
                response = _metrics(target, monitoring_path, render_metrics)
            elif not _API.fullmatch(target):
                response = _error(404, f"Nothing is served at {target}: expected a path below /v1/models/")
            elif scope["method"] == "OPTIONS":
                has_origin = any(name == b"origin" and value for name, value in scope["headers"])
                response = Response(status_code=200 if has_origin else 400)
            else:
                response = _JsonAnswer(await requests.answer(scope, receive, target))
        except ServingError as error:
            response = _error(error.http_status, error.message)
            if scope["method"] == "POST":  # the message can quote the request's values
                _log.info("Request %s: POST %s ended with %s.", _request_id(scope), target, error.code.name)
        except ClientGoneError:
            return
        except Exception:
            _log.exception("Request %s: %s %s: internal error", _request_id(scope), scope["method"], target)
            response = _error(500, "Internal error; see the server's log.")
        await response(scope, receive, send)

    return tracer.around(app) if tracer else app


class _Requests:
    """Answer requests below /v1/."""

    def __init__(self, service: Service, large_json: LargeJson, seconds: float):
        self._service = service
        self._large_json = large_json
        self._seconds = seconds
        self._memory = BodyMemory()

    async def answer(self, scope: Scope, receive: Receive, target: str) -> bytes:
        """Return the body of a successful answer.

        Args:
            scope: the request's scope.
            receive: returns the body's parts.
            target: the raw request target.

        Returns:
            JSON.

        Raises:
            InvalidArgumentError: The method and the target are not of TensorFlow Serving's API.
            ServingError: The answer is another error.
            ClientGoneError: The client went away.
        """
        method = scope["method"]
        found = {"POST": _INFERENCE, "GET": _MODEL}[method].fullmatch(target) if method in ("POST", "GET") else None
        if found is None:
            raise InvalidArgumentError(f"Malformed request: {method} {target}")
        spec = _model_spec(found)
        if method == "GET":
            # Only lower-case `metadata` returns metadata: TensorFlow Serving matches any case, then compares exactly.
            return _metadata(self._service, spec) if found["metadata"] == "/metadata" else _status(self._service, spec)
        verbs = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        if found["verb"] not in verbs:
            raise InvalidArgumentError(f"Malformed request: {method} {target}")
        with self._memory.share() as share:
            body = await read_body(scope, receive, share)
            try:
                async with asyncio.timeout(self._seconds) as deadline:
                    DEADLINE.set(deadline)
                    work = verbs[found["verb"]](spec, body)
                    return await (work if len(body) < _LARGE else while_connected(receive, work))
            except TimeoutError as error:
                raise ServingError(
                    grpc.StatusCode.DEADLINE_EXCEEDED, f"Timed out: expected an answer within {self._seconds:g} s."
                ) from error

    async def _predict(self, spec: model_pb2.ModelSpec, body: bytes) -> bytes:
        if len(body) >= _LARGE:
            async with self._large_json.of(body).predict(body) as large:
                return await self._answer_predict(spec, large, large.tensors)
        request = parse_predict(body)

        async def tensors(inputs: Mapping[str, meta_graph_pb2.TensorInfo]) -> Mapping[str, np.ndarray]:
            return request.tensors(inputs)

        return await self._answer_predict(spec, request, tensors)

    async def _answer_predict(
        self,
        spec: model_pb2.ModelSpec,
        request: PredictBody | LargePredictBody,
        tensors: Callable[[Mapping[str, meta_graph_pb2.TensorInfo]], Awaitable[Mapping[str, np.ndarray]]],
    ) -> bytes:
        spec.signature_name = request.signature_name
        answer = await self._service.predict(
            spec,
            lambda _, inputs: tensors(inputs),
            lambda name: InvalidArgumentError(f'Serving signature name: "{name}" not found in signature def'),
            entrypoint="REST",
        )
        size = sum(array.nbytes for array in answer.outputs.values())
        return await _in_turn(size, encode_predict, answer.outputs, request.rows)

    async def _classify(self, spec: model_pb2.ModelSpec, body: bytes) -> bytes:
        spec.signature_name, examples = await self._examples(body)
        request = classification_pb2.ClassificationRequest(model_spec=spec, input=examples)
        return encode_classification((await self._service.classify(request, entrypoint="REST")).result)

    async def _regress(self, spec: model_pb2.ModelSpec, body: bytes) -> bytes:
        spec.signature_name, examples = await self._examples(body)
        request = regression_pb2.RegressionRequest(model_spec=spec, input=examples)
        return encode_regression((await self._service.regress(request, entrypoint="REST")).result)

    async def _examples(self, body: bytes) -> tuple[str, input_pb2.Input]:
        if len(body) >= _LARGE:
            name, serialized = await self._large_json.of(body).examples(body)
        else:
            name, serialized = parse_examples(body)
        return name, input_pb2.Input.FromString(serialized)


async def _in_turn(size: int, work: Callable[..., _Result], *arguments: Any) -> _Result:
    """Run work on `size` bytes; large work runs in a thread, one request at a time, off the event loop."""
    if size < _LARGE:
        return work(*arguments)
    return await asyncio.get_running_loop().run_in_executor(_one_thread, work, *arguments)


def _status(service: Service, spec: model_pb2.ModelSpec) -> bytes:
    spec.ClearField("version_label")  # as in TensorFlow Serving, where a label does not select a status
    return _proto_json(service.status(spec)).encode()


def _metadata(service: Service, spec: model_pb2.ModelSpec) -> bytes:
    response = service.metadata(spec)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    # Convert the parts, not the whole response: its Any would print a type URL.
    metadata = f'{{"signature_def": {_proto_json(signatures)}}}'
    return f'{{"model_spec": {_proto_json(response.model_spec)}, "metadata": {metadata}}}'.encode()


def _proto_json(proto: message.Message) -> str:
    return str(json_format.MessageToJson(proto, preserving_proto_field_name=True, indent=1, **_WITH_DEFAULTS))


def _request_id(scope: Scope) -> str:
    """Return the id by which the caller knows the request; the gateway sends it."""
    return request_id.loggable(Headers(scope=scope).get(request_id.HEADER, ""))


def _target(scope: Scope) -> str:
    """Return the raw request target; non-ASCII bytes are decoded as Latin-1."""
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + b"?" + query if query else scope["raw_path"]
    return target.decode("latin-1")


def _model_spec(found: re.Match[str]) -> model_pb2.ModelSpec:
    """Return the model, and the version or label, that a path names.

    Raises:
        InvalidArgumentError: The model's name is missing, a name is not UTF-8, or the version is not int64.
    """
    if found["name"] is None:
        raise InvalidArgumentError("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=_decoded("model name", found["name"]))
    if found["version"]:
        digits = found["version"].lstrip("0") or "0"
        if len(digits) > len(str(_LARGEST_VERSION)) or int(digits) > _LARGEST_VERSION:
            raise InvalidArgumentError(f"Failed to convert version: {found['version']} to numeric.")
        spec.version.value = int(digits)
    elif found["label"]:
        spec.version_label = _decoded("model version label", found["label"])
    return spec


def _decoded(what: str, text: str) -> str:
    try:
        return unquote_to_bytes(text.encode("latin-1")).decode()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"Failed to decode {what}: {text}; expected UTF-8, percent-encoded.") from error


def _metrics(target: str, path: str, render: Callable[[], bytes]) -> Response:
    if target != path:
        return Response(f"Unexpected path: {target}. Should be {path}", 400, media_type="text/plain")
    return Response(render(), media_type="text/plain; version=0.0.4")


class _JsonAnswer:
    """Send the same as Response(body, media_type="application/json"), at a third of its cost."""

    def __init__(self, body: bytes):
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"%d" % len(self._body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


def refusal_answer(refusal: Refusal) -> RefusalAnswer:
    """Log a refusal of the HTTP bounds and return the answer to send.

    Args:
        refusal: why the connection or request is refused.

    Returns:
        The answer's media type and body.
    """
    _log.info("%s refused with %d: %s", refusal.client, refusal.status, refusal.code)
    return RefusalAnswer("application/json", json.dumps({"error": refusal.detail}).encode())


def _error(status: int, text: str) -> Response:
    return Response(json.dumps({"error": text}), status, media_type="application/json")
