"""Request predictions over every transport that clients use: REST by rows, REST by columns, and gRPC.

All rows are requested in batches, and a sample of rows also one by one. The single requests are timed.
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

from components.candidate_serving.candidate_server import HOST, Address, CandidateServerError
from components.signatures import PREDICTIONS, SERVING_DEFAULT, SERVING_RAW

REST_ROWS, REST_COLUMNS = "REST rows", "REST columns"
GRPC_EXAMPLES, GRPC_COLUMNS = "gRPC examples", "gRPC columns"
# By default gRPC uses a configured proxy even for this machine.
_CHANNEL = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RequestBatch:
    """The same rows in the two forms that the signatures take.

    Attributes:
        examples: [rows] bytes, serialized tf.Examples.
        columns: raw feature -> [rows] values; a missing one is the value that serving_raw takes for it. Strings are
            bytes objects.
    """

    examples: np.ndarray
    columns: dict[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: slice) -> "RequestBatch":
        columns = {name: values[rows] for name, values in self.columns.items()}
        return RequestBatch(examples=self.examples[rows], columns=columns)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransportPredictions:
    """Predictions of a chunk of rows, by transport.

    Attributes:
        batched: transport -> predictions [rows, outputs], requested in batches.
        sample: positions in the chunk of the rows that were also requested one by one.
        single: transport -> predictions [sample, outputs] of those rows.
        seconds: transport -> duration of each single request at the client, encoding and decoding included.
    """

    batched: dict[str, np.ndarray]
    sample: list[int]
    single: dict[str, np.ndarray]
    seconds: dict[str, list[float]]

    def of(self, rows: np.ndarray) -> "TransportPredictions":
        """Return the predictions of some of the rows, given as ascending positions in the chunk."""
        singles = np.flatnonzero(np.isin(self.sample, rows)).tolist()
        return TransportPredictions(
            batched={name: values[rows] for name, values in self.batched.items()},
            sample=[int(np.searchsorted(rows, self.sample[i])) for i in singles],
            single={name: values[singles] for name, values in self.single.items()},
            seconds={name: [values[i] for i in singles] for name, values in self.seconds.items()},
        )


class CandidateClient:
    """A client of a candidate's server, with one connection to each port; a context manager."""

    def __init__(self, address: Address, seconds: float):
        """Prepare the connections to a server; `seconds` is the time limit of a response."""
        self._address = address
        self._seconds = seconds
        self._http = http.client.HTTPConnection(HOST, address.rest_port, timeout=seconds)
        self._channel = grpc.insecure_channel(f"{HOST}:{address.grpc_port}", options=_CHANNEL)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._channel.close()

    def rest_rows(self, rows: RequestBatch) -> np.ndarray:
        """Return predictions [rows, outputs] float32 of serving_raw, from one JSON object per row."""
        columns = _to_json_columns(rows.columns)
        instances = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        return _to_float32(self._post({"signature_name": SERVING_RAW, "instances": instances})["predictions"])

    def rest_columns(self, rows: RequestBatch) -> np.ndarray:
        """Return predictions [rows, outputs] float32 of serving_raw, from one JSON list per feature."""
        document = {"signature_name": SERVING_RAW, "inputs": _to_json_columns(rows.columns)}
        return _to_float32(self._post(document)["outputs"])

    def grpc_examples(self, rows: RequestBatch) -> np.ndarray:
        """Return predictions [rows, outputs] of serving_default, from serialized tf.Examples."""
        return self._predict(SERVING_DEFAULT, {"examples": rows.examples})

    def grpc_columns(self, rows: RequestBatch) -> np.ndarray:
        """Return predictions [rows, outputs] of serving_raw, from one tensor per feature."""
        return self._predict(SERVING_RAW, rows.columns)

    def _post(self, document: dict[str, Any]) -> dict[str, Any]:
        self._http.request("POST", f"/v1/models/{self._address.model}:predict", json.dumps(document))
        response = self._http.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise CandidateServerError(f"{response.status} {body.decode(errors='replace')}")
        return json.loads(body)

    def _predict(self, signature: str, inputs: dict[str, np.ndarray]) -> np.ndarray:
        request = predict_pb2.PredictRequest()
        request.model_spec.name, request.model_spec.signature_name = self._address.model, signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        response = self._stub.Predict(request, timeout=self._seconds)
        return tf.make_ndarray(response.outputs[PREDICTIONS])


Transport = Callable[[CandidateClient, RequestBatch], np.ndarray]
TRANSPORTS: dict[str, Transport] = {
    REST_ROWS: CandidateClient.rest_rows,
    REST_COLUMNS: CandidateClient.rest_columns,
    GRPC_EXAMPLES: CandidateClient.grpc_examples,
    GRPC_COLUMNS: CandidateClient.grpc_columns,
}


def predict(client: CandidateClient, rows: RequestBatch, batch_size: int, sample: list[int]) -> TransportPredictions:
    """Request the predictions of a chunk of rows over every transport.

    Args:
        client: connected to the server.
        rows: the chunk.
        batch_size: rows per request.
        sample: positions of the rows that are also requested one by one.

    Returns:
        The predictions of every transport.

    Raises:
        CandidateServerError: A response was an error, was not a prediction, had another number of predictions than
            rows, or did not arrive. The message names the transport.
    """
    batched: dict[str, np.ndarray] = {}
    single: dict[str, np.ndarray] = {}
    seconds: dict[str, list[float]] = {}
    for name, transport in TRANSPORTS.items():
        with errors_named(name):
            starts = range(0, len(rows), batch_size)
            batched[name] = np.concatenate([_request(transport, client, rows[i : i + batch_size]) for i in starts])
            responses, seconds[name] = [], []
            for i in sample:
                begin = time.perf_counter()
                responses.append(_request(transport, client, rows[i : i + 1]))
                seconds[name].append(time.perf_counter() - begin)
            single[name] = np.concatenate(responses) if responses else batched[name][:0]
    return TransportPredictions(batched=batched, sample=sample, single=single, seconds=seconds)


def _request(transport: Transport, client: CandidateClient, rows: RequestBatch) -> np.ndarray:
    """Request predictions, and check that there is one for each row."""
    predictions = transport(client, rows)
    if predictions.shape[:1] != (len(rows),):
        raise CandidateServerError(
            f"expected a prediction for each of {len(rows)} rows, received {predictions.dtype} "
            f"{list(predictions.shape)}; look for what drops, repeats or adds up rows in the model's signatures"
        )
    return predictions


@contextmanager
def errors_named(transport: str) -> Iterator[None]:
    """Convert every error of a request to a CandidateServerError that names the transport."""
    try:
        yield
    except CandidateServerError as error:
        raise CandidateServerError(f"{transport}: {error}") from error
    except grpc.RpcError as error:
        raise CandidateServerError(f"{transport}: {error.code().name}: {error.details()}") from error
    except (OSError, http.client.HTTPException, KeyError, TypeError, ValueError) as error:
        raise CandidateServerError(f"{transport}: {type(error).__name__}: {error}") from error


def _to_json_columns(columns: dict[str, np.ndarray]) -> dict[str, list[Any]]:
    """Convert columns to JSON values; a string that is not UTF-8 becomes base64."""
    return {
        name: [_to_json_string(value) for value in values] if values.dtype == object else values.tolist()
        for name, values in columns.items()
    }


def _to_json_string(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(value).decode()}


def _to_float32(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float32)
