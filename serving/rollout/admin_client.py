"""Administer one model server for roll-outs: reload and status over gRPC, metadata and predictions over REST."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import httpx

from serving.rollout import model_service_pb2
from serving.rollout.errors import FailedError, ServerDownError
from serving.tls.client import ClientFiles, client_tls

AVAILABLE = "AVAILABLE"

_GET_STATUS = "/tensorflow.serving.ModelService/GetModelStatus"
_RELOAD_CONFIG = "/tensorflow.serving.ModelService/HandleReloadConfigRequest"

# Answers for an unknown label, a label of a version that is gone, and a server that never had a label.
_NO_SUCH_LABEL = (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND, httpx.codes.SERVICE_UNAVAILABLE)
_STATUS_SECONDS = 10.0  # a healthy server returns a status at once
_POLL_SECONDS = 0.1
_TURN_SECONDS = 3.0  # TensorFlow Serving looks at a new configuration ten times a second


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """The state of a version on the server, as in GetModelStatus, and its error."""

    state: str
    error: str = ""

    @property
    def loaded(self) -> bool:
        """Return whether the version is in memory; while it unloads, it may still answer old requests."""
        return self.state in (AVAILABLE, "UNLOADING")

    def __str__(self) -> str:
        return f"{self.state}: {self.error}" if self.error else self.state


_UNKNOWN = VersionStatus("unknown to it")


@dataclasses.dataclass(frozen=True)
class TimedPrediction:
    """The predictions of one call, float [rows, outputs], and its seconds from request to answer."""

    predictions: list[list[float]]
    seconds: float


class PredictError(FailedError):
    """A prediction call that was not answered with finite predictions, one per row."""


class AdminClient:
    """Client of one server and one model, used as a context manager. It connects with the first call.

    Args:
        host: name or address.
        grpc_port: the server's --port.
        rest_port: the server's --rest_api_port.
        model: name of the model.
        timeout: seconds for a reload, a wait and a prediction.
        tls: of both ports; None for plain text.

    Raises:
        TlsError: A certificate or a key cannot be used.
    """

    def __init__(
        self, *, host: str, grpc_port: int, rest_port: int, model: str, timeout: float, tls: ClientFiles | None = None
    ) -> None:
        self.name = f"{host}:{grpc_port}"
        self._model = model
        self._timeout = timeout
        # Ignore the environment's proxy, which is for outgoing traffic; model servers are near.
        self._channel = _channel(self.name, tls)
        self._extensions = tls.extensions if tls else {}
        self._rest = httpx.Client(
            base_url=f"{'https' if tls else 'http'}://{host}:{rest_port}/v1/models/{model}",
            timeout=timeout,
            trust_env=False,
            verify=client_tls(tls).value.context if tls else True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rest.close()
        self._channel.close()

    def reload(self, config: Any) -> None:
        """Send the server another ModelServerConfig.

        Args:
            config: the whole configuration.

        Raises:
            ServerDownError: The server does not answer.
            FailedError: The server refuses the configuration, or cannot load its versions.
        """
        request = model_service_pb2.ReloadConfigRequest(config=config)
        response = self._call(_RELOAD_CONFIG, request, model_service_pb2.ReloadConfigResponse, self._timeout)
        if response.status.error_code:
            code = model_service_pb2.Code.Name(response.status.error_code)
            raise FailedError(f"{self.name} refused the configuration: {code}: {response.status.error_message}")

    def versions(self) -> dict[int, VersionStatus]:
        """Return the status of each version; empty when the server does not know the model.

        Returns:
            Version -> its status.

        Raises:
            ServerDownError: The server does not answer.
        """
        request = model_service_pb2.GetModelStatusRequest(model_spec={"name": self._model})
        try:
            response = self._call(_GET_STATUS, request, model_service_pb2.GetModelStatusResponse, _STATUS_SECONDS)
        except _UnknownModelError:
            return {}
        return {
            entry.version: VersionStatus(
                model_service_pb2.ModelVersionStatus.State.Name(entry.state), entry.status.error_message
            )
            for entry in response.model_version_status
        }

    def available(self) -> frozenset[int]:
        """Return the versions that answer."""
        return frozenset(version for version, status in self.versions().items() if status.state == AVAILABLE)

    def wait_available(self, versions: Collection[int], before: Mapping[int, VersionStatus]) -> None:
        """Wait until all the versions answer.

        Args:
            versions: those to wait for.
            before: the result of `versions()` before the server was told to load them. An error in it is from an
                earlier attempt, until the server has had time to try again.

        Raises:
            FailedError: A version ended with an error, or the time is over.
        """
        turned_to = time.monotonic() + _TURN_SECONDS
        for found in self._poll():
            for version in versions:
                status = found.get(version, _UNKNOWN)
                # Do not wait for retries: a version that fails to load once should not be rolled out.
                if status.error and (status != before.get(version) or time.monotonic() > turned_to):
                    raise FailedError(f"version {version} does not load on {self.name}: {status.error}")
            waiting = [version for version in versions if found.get(version, _UNKNOWN).state != AVAILABLE]
            if not waiting:
                return
        raise FailedError(
            f"{self.name} did not load {listed(waiting)} within {self._timeout:g} s: "
            + ", ".join(f"{version} is {found.get(version, _UNKNOWN)}" for version in waiting)
            + "; see the server's log, or give it more time with --timeout."
        )

    def wait_gone(self, versions: Collection[int]) -> None:
        """Wait until the server has unloaded all the versions.

        Args:
            versions: those to wait for.

        Raises:
            FailedError: The time is over.
        """
        for found in self._poll():
            left = [version for version in versions if found.get(version, _UNKNOWN).loaded]
            if not left:
                return
        raise FailedError(f"{self.name} still holds {listed(left)} after {self._timeout:g} s; see the server's log.")

    def version_of(self, label: str) -> int | None:
        """Return the version that a label points at; None when the label points at none."""
        return self._metadata_version(f"/labels/{label}/metadata")

    def inputs(self, version: int, signature: str) -> dict[str, str]:
        """Return the inputs of a version's signature.

        Args:
            version: the version's number.
            signature: the signature's name.

        Returns:
            Name -> dtype, such as DT_FLOAT.

        Raises:
            FailedError: The version does not answer, or has no such signature.
        """
        response = self._get(f"/versions/{version}/metadata")
        if response.status_code != httpx.codes.OK:
            raise FailedError(f"version {version} on {self.name} returned no metadata: {_error_of(response)}")
        signatures = response.json()["metadata"]["signature_def"]["signature_def"]
        if signature not in signatures:
            raise FailedError(
                f"version {version} has no signature {signature}: expected the signature of the requests, received "
                f"{', '.join(sorted(signatures))}; push a model with it, or name another with --signature."
            )
        return {name: info["dtype"] for name, info in signatures[signature]["inputs"].items()}

    def predict(self, route: str, signature: str, columns: Mapping[str, list[Any]]) -> TimedPrediction:
        """Request predictions.

        Args:
            route: `/labels/<label>` or `/versions/<version>`.
            signature: name of the signature.
            columns: input -> one value per row.

        Returns:
            The predictions, and the time that they took.

        Raises:
            PredictError: No answer, an error, or not one row of finite numbers for each row of the request.
        """
        rows = len(next(iter(columns.values())))
        started = time.perf_counter()
        try:
            response = self._rest.post(
                f"{route}:predict",
                json={"signature_name": signature, "inputs": columns},
                extensions=self._extensions,
            )
        except httpx.TransportError as error:
            raise PredictError(f"no answer from {self._rest.base_url}: {error}") from error
        seconds = time.perf_counter() - started
        if response.status_code != httpx.codes.OK:
            raise PredictError(_error_of(response))
        predictions = _rows_of_numbers(response)
        if len(predictions) != rows or not all(row and all(map(math.isfinite, row)) for row in predictions):
            raise PredictError(f"expected {rows} rows of finite numbers, received {response.text[:200]}")
        return TimedPrediction(predictions, seconds)

    def _poll(self) -> Iterator[dict[int, VersionStatus]]:
        """Yield the versions periodically until the time is over; at least once."""
        end = time.monotonic() + self._timeout
        while True:
            yield self.versions()
            if time.monotonic() >= end:
                return
            time.sleep(_POLL_SECONDS)

    def _metadata_version(self, path: str) -> int | None:
        response = self._get(path)
        if response.status_code in _NO_SUCH_LABEL:
            return None
        if response.status_code != httpx.codes.OK:
            raise FailedError(f"{self.name}{path}: {_error_of(response)}")
        return int(response.json()["model_spec"]["version"])

    def _get(self, path: str) -> httpx.Response:
        try:
            return self._rest.get(path, extensions=self._extensions)
        except httpx.TransportError as error:
            raise ServerDownError(
                f"no answer from {self._rest.base_url}: expected the server's REST port, received {error}; start the "
                "server, or name it with --server HOST:GRPC_PORT:REST_PORT."
            ) from error

    def _call(self, method: str, request: Any, answer: Any, timeout: float) -> Any:
        call: Callable[..., Any] = self._channel.unary_unary(
            method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
        )
        try:
            return call(request, timeout=timeout)
        except grpc.RpcError as error:
            code, detail = error.code(), error.details()
        if code is grpc.StatusCode.NOT_FOUND:
            raise _UnknownModelError(f"{self.name}: {detail}")
        if code is grpc.StatusCode.UNAVAILABLE:
            raise ServerDownError(
                f"no answer from {self.name}: expected the server's gRPC port, received {detail}; start the server, or "
                "name it with --server HOST:GRPC_PORT:REST_PORT."
            )
        raise FailedError(f"{self.name} answered {method} with {code.name}: {detail}")


class _UnknownModelError(FailedError):
    """The server has no such model."""


def _channel(address: str, tls: ClientFiles | None) -> grpc.Channel:
    """Return a channel to the server's gRPC port."""
    options: list[tuple[str, Any]] = [("grpc.enable_http_proxy", 0)]
    if tls is None:
        return grpc.insecure_channel(address, options=options)
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    found = client_tls(tls).value
    own = (found.certificate.key, found.certificate.chain) if found.certificate else (None, None)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(found.ca, *own), options=options)


def _error_of(response: httpx.Response) -> str:
    try:
        text = str(response.json()["error"])
    except (json.JSONDecodeError, KeyError, TypeError):
        text = response.text
    return f"HTTP {response.status_code}: {text[:300]}"


def _rows_of_numbers(response: httpx.Response) -> list[list[float]]:
    """Read the one output of a column answer as rows; accept both [rows] and [rows, outputs]."""
    try:
        outputs = response.json()["outputs"]
        if isinstance(outputs, dict) and len(outputs) == 1:
            (outputs,) = outputs.values()
        return [[float(number) for number in (row if isinstance(row, list) else [row])] for row in outputs]
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # ValueError: also for invalid JSON
        raise PredictError(f"expected one output of numbers, received {response.text[:200]}") from error


def listed(versions: Collection[int]) -> str:
    """Return the versions in words."""
    return ("version " if len(versions) == 1 else "versions ") + ", ".join(map(str, sorted(versions)))
