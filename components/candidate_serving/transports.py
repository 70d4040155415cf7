"""Asks a model server for predictions in every way that clients do: over REST by rows and by columns, and over gRPC.

Each transport is asked for all rows in batches and for a sample of rows one by one, and the latter are timed.
"""

import base64
import dataclasses
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components.candidate_serving.candidate_server import HOST, Address, ModelServerError
from components.signatures import PREDICTIONS, SERVING_DEFAULT, SERVING_RAW

REST_ROWS, REST_COLUMNS = "REST rows", "REST columns"
GRPC_EXAMPLES, GRPC_COLUMNS = "gRPC examples", "gRPC columns"
# gRPC would ask a proxy for this very machine, too.
_CHANNEL = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rows:
    """The same rows in the two forms that the signatures take.

    Attributes:
        examples: [rows] bytes, serialized tf.Examples.
        columns: [rows] values by raw feature, missing ones spelled out; strings as objects of bytes.
    """

    examples: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: slice) -> "Rows":
        columns = {name: values[rows] for name, values in self.columns.items()}
        return Rows(examples=self.examples[rows], columns=columns)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
    """What the transports gave for a chunk of rows.

    Attributes:
        batched: transport -> predictions [rows, outputs], asked in batches.
        sample: positions in the chunk of the rows that were asked one by one, too.
        single: transport -> their predictions [sample, outputs].
        seconds: transport -> how long each of those calls took its client, writing and reading included.
    """

    batched: dict[str, np.ndarray]
    sample: list[int]
    single: dict[str, np.ndarray]
    seconds: dict[str, list[float]]


class Client:
    """Holds one connection to each port; a context manager."""

    def __init__(self, address: Address, seconds: float):
        """Takes where to ask, and how long an answer may take."""
        self._address = address
        self._seconds = seconds
        self._http = http.client.HTTPConnection(HOST, address.rest_port, timeout=seconds)
        self._channel = grpc.insecure_channel(f"{HOST}:{address.grpc_port}", options=_CHANNEL)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._channel.close()

    def rest_rows(self, rows: Rows) -> np.ndarray:
        """Predictions [rows, outputs] float32, from one JSON object a row to serving_raw."""
        columns = _plain(rows.columns)
        instances = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return _floats(self._post({"signature_name": SERVING_RAW, "instances": instances})["predictions"])

    def rest_columns(self, rows: Rows) -> np.ndarray:
        """Predictions [rows, outputs] float32, from one JSON list a feature to serving_raw."""
        return _floats(self._post({"signature_name": SERVING_RAW, "inputs": _plain(rows.columns)})["outputs"])

    def grpc_examples(self, rows: Rows) -> np.ndarray:
        """Predictions [rows, outputs], from serialized tf.Examples to serving_default."""
        return self._predict(SERVING_DEFAULT, {"examples": rows.examples})

    def grpc_columns(self, rows: Rows) -> np.ndarray:
        """Predictions [rows, outputs], from one tensor a feature to serving_raw."""
        return self._predict(SERVING_RAW, rows.columns)

    def _post(self, document: dict[str, Any]) -> dict[str, Any]:
        self._http.request("POST", f"/v1/models/{self._address.model}:predict", json.dumps(document))
        response = self._http.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise ModelServerError(f"{response.status} {body.decode(errors='replace')}")
        return json.loads(body)

    def _predict(self, signature: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self._address.model, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        response = self._stub.Predict(request, timeout=self._seconds)
        return tf.make_ndarray(response.outputs[PREDICTIONS])


TRANSPORTS: dict[str, Callable[[Client, Rows], np.ndarray]] = {
    REST_ROWS: Client.rest_rows,
    REST_COLUMNS: Client.rest_columns,
    GRPC_EXAMPLES: Client.grpc_examples,
    GRPC_COLUMNS: Client.grpc_columns,
}


def ask(client: Client, rows: Rows, batch_size: int, sample: list[int]) -> Answers:
    """Asks every transport for a chunk of rows.

    Args:
        client: of the server.
        rows: the chunk.
        batch_size: rows a call.
        sample: positions of the rows to ask for one by one, too.

    Raises:
        ModelServerError: A call was answered with an error, with something that is no prediction, or not at all; says
            by which transport.
    """
    batched: dict[str, np.ndarray] = {}
    single: dict[str, np.ndarray] = {}
    seconds: dict[str, list[float]] = {}
    for name, transport in TRANSPORTS.items():
        with _named(name):
            starts = range(0, len(rows), batch_size)
            batched[name] = np.concatenate([transport(client, rows[i : i + batch_size]) for i in starts])
            answers, seconds[name] = [], []
            for i in sample:
                begin = time.perf_counter()
                answers.append(transport(client, rows[i : i + 1]))
                seconds[name].append(time.perf_counter() - begin)
            single[name] = np.concatenate(answers) if answers else batched[name][:0]
    return Answers(batched=batched, sample=sample, single=single, seconds=seconds)


@contextmanager
def _named(transport: str) -> Iterator[None]:
    """Turns whatever a call can end with into a ModelServerError that names the transport."""
    try:
        yield
    except ModelServerError as error:
        raise ModelServerError(f"{transport}: {error}") from error
    except grpc.RpcError as error:
        raise ModelServerError(f"{transport}: {error.code().name}: {error.details()}") from error
    except (OSError, http.client.HTTPException, KeyError, TypeError, ValueError) as error:
        raise ModelServerError(f"{transport}: {type(error).__name__}: {error}") from error


def _plain(columns: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    """Columns as JSON has them; a string that is not UTF-8 goes as base64."""
    return {
        name: [_text(value) for value in values] if values.dtype == object else values.tolist()
        for name, values in columns.items()
    }


def _text(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _floats(answer: Any) -> np.ndarray:
    return np.array(answer, dtype=np.float32)
