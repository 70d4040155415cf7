"""Client of the model server's REST API for the gateway: the version behind a label, and predictions.

TensorFlow Serving's answers do not say which version gave them. So the version behind a label is looked up first, from
time to time, and every request names its version: what the answer says of the version is then true, during a swap too.

No error's message quotes an answer: it can hold values of the request, which the request log may have to drop or hash.
"""

import time
from typing import Any

import pydantic_core

from serving.contract import Contract, Value
from serving.gateway import model_errors
from serving.gateway.connection_pool import ConnectionPool, HttpResponse
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.settings import ModelSettings

_DTYPE = {"int64": "DT_INT64", "float32": "DT_FLOAT", "string": "DT_STRING"}  # as metadata names them


class PredictClient:
    """Client of one model on a model server; keeps connections open.

    Args:
        settings: where it is, and time-outs.
        contract: what the signature has to take.
        metrics: counts errors and times calls.

    Raises:
        ValueError: The server's address cannot be used.
    """

    def __init__(self, settings: ModelSettings, contract: Contract, metrics: GatewayMetrics):
        self._settings = settings
        self._expected = {feature.name: _DTYPE[feature.kind.value] for feature in contract.features}
        self._metrics = metrics
        self._connections = ConnectionPool(settings)

    async def close(self) -> None:
        """Closes the connections."""
        await self._connections.close()

    async def version(self, label: str | None) -> str | None:
        """The version that a label points at, or the latest one for None; None when the server knows no such label.

        Raises:
            ModelError: No version answers, or its signature does not fit the contract.
        """
        label_path = f"/labels/{label}" if label else ""
        response = await self._call("GET", f"/v1/models/{self._settings.name}{label_path}/metadata")
        # 400 is an unknown label, 404 an unknown model, 503 a model that has no labels at all (yet).
        if label and response.status in (400, 404, 503):
            return None
        self._require_success(response)
        try:
            found = response.json()
            version = str(int(found["model_spec"]["version"]))
            signatures = found["metadata"]["signature_def"]["signature_def"]
            inputs = {
                name: {key: tensor["dtype"] for key, tensor in signature.get("inputs", {}).items()}
                for name, signature in signatures.items()
            }
        except (AttributeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise self._failed(
                model_errors.InvalidResponseError,
                f"expected metadata with version and signatures, received {len(response.content)} bytes without",
            ) from error
        self._require_inputs(version, inputs)
        return version

    async def predict(self, version: str, inputs: dict[str, list[Value]]) -> list[float]:
        """Asks a version for predictions.

        Args:
            version: the version's number.
            inputs: one column per feature, missing values spelled out.

        Returns:
            One probability per row.

        Raises:
            ModelError: There are none.
        """
        body = pydantic_core.to_json({"signature_name": self._settings.signature, "inputs": inputs})
        began = time.perf_counter()
        path = f"/v1/models/{self._settings.name}/versions/{version}:predict"
        response = await self._call("POST", path, body)
        self._require_success(response)
        rows = len(next(iter(inputs.values())))
        try:
            probabilities = _probabilities(response.json(), self._settings.output, rows)
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed(
                model_errors.InvalidResponseError,
                f"expected {self._settings.output} with {rows} probabilities, "
                f"received {len(response.content)} bytes without",
            ) from error
        self._metrics.upstream_seconds.observe(time.perf_counter() - began)
        return probabilities

    async def _call(self, method: str, path: str, body: bytes | None = None) -> HttpResponse:
        try:
            return await self._connections.call(method, path, body)
        except model_errors.ModelError as error:
            raise self._failed(type(error), str(error)) from error

    def _require_success(self, response: HttpResponse) -> None:
        if response.status == 200:
            return
        kinds: dict[int, type[model_errors.ModelError]] = {
            404: model_errors.VersionNotFoundError,
            429: model_errors.ModelUnavailableError,
            503: model_errors.ModelUnavailableError,
            504: model_errors.ResponseTimeoutError,
        }
        kind = kinds.get(response.status, model_errors.InvalidResponseError)
        raise self._failed(kind, f"expected status 200, received {response.status} with {len(response.content)} bytes")

    def _require_inputs(self, version: str, inputs: dict[str, dict[str, str]]) -> None:
        """Holds the inputs of each signature, name -> dtype, against the contract."""
        taken = inputs.get(self._settings.signature)
        if taken is None:
            raise self._failed(
                model_errors.SignatureMismatchError,
                f"version {version} has no signature {self._settings.signature}, only {', '.join(sorted(inputs))}",
            )
        if taken != self._expected:
            differing = sorted(name for name, _ in taken.items() ^ self._expected.items())
            raise self._failed(
                model_errors.SignatureMismatchError,
                f"version {version} was made with another contract: {', '.join(dict.fromkeys(differing))} differ",
            )

    def _failed(self, kind: type[model_errors.ModelError], message: str) -> model_errors.ModelError:
        self._metrics.upstream_errors.labels(kind.kind).inc()
        return kind(f"{self._settings.server}: {message}")


def _probabilities(answer: Any, output: str, rows: int) -> list[float]:
    """The probabilities in an answer in column form.

    Raises:
        ValueError, KeyError, TypeError: There are none, or not one per row.
    """
    outputs = answer["outputs"]
    column = outputs[output] if isinstance(outputs, dict) else outputs
    if not isinstance(column, list):
        raise TypeError("expected a list of probabilities")
    found = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in column]
    # By type, not by what float() takes: true and "0.5" are no probabilities.
    if len(found) != rows or not all(type(value) in (float, int) and 0 <= value <= 1 for value in found):
        raise ValueError("expected one probability for each row")
    return list(map(float, found))
