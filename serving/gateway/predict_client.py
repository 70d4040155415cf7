"""Call the model server's REST API: look up the version behind a label, and predict.

TensorFlow Serving's answers do not name the version that made them. So the client looks up the version behind a label
from time to time, and every request names its version. The answer's version is then correct during a swap, too.

No error message quotes an answer: it can hold values of the request, which the request log may have to drop or hash.
"""

import math
import time
from collections.abc import Mapping
from typing import Any

import pydantic_core

from serving.contract import Contract, Value
from serving.gateway import model_errors
from serving.gateway.answers import Answers, Interval, Output, read_column, read_interval
from serving.gateway.connection_pool import ConnectionPool, HttpResponse
from serving.gateway.metrics import TaskMetrics
from serving.gateway.settings import ModelSettings
from serving.gateway.tls import model_tls
from serving.tracing.tracer import Tracer

INTERVAL = "interval"  # the signature of a regression with an interval; pipelines/modeling/export.py makes it
_MOST_INTERVALS = 100  # versions whose intervals are kept
_DTYPE = {"int64": "DT_INT64", "float32": "DT_FLOAT", "string": "DT_STRING"}  # names in the model's metadata


class PredictClient:
    """Client of one model on a model server. It keeps connections open.

    Args:
        settings: the server's address, and time-outs.
        contract: the features that the signature has to take.
        metrics: counts errors and times calls.
        answers: reads the model's outputs.
        tracer: passes the trace on to the server; None disables traces.

    Raises:
        ValueError: The server's address or a TLS file cannot be used.
    """

    def __init__(
        self,
        settings: ModelSettings,
        contract: Contract,
        metrics: TaskMetrics,
        answers: Answers,
        tracer: Tracer | None = None,
    ):
        self._settings = settings
        self._answers = answers
        self._intervals: dict[str, Interval] = {}  # version -> interval, oldest first
        self._expected = {feature.name: _DTYPE[feature.kind.value] for feature in contract.features}
        self._metrics = metrics
        self._connections = ConnectionPool(settings, model_tls(settings.tls, metrics) if settings.tls else None, tracer)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def version(self, label: str | None) -> str | None:
        """Look up the version that a label points at.

        Args:
            label: the label; None asks for the latest version.

        Returns:
            The version; None when the server does not know the label.

        Raises:
            ModelError: No version answers, or its signature does not fit the contract.
        """
        label_path = f"/labels/{label}" if label else ""
        response = await self._call("GET", f"/v1/models/{self._settings.name}{label_path}/metadata")
        # 400: unknown label. 404: unknown model. 503: a model without any labels (yet).
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
            widths = {
                name: {key: _width(tensor) for key, tensor in signature.get("outputs", {}).items()}
                for name, signature in signatures.items()
            }
        except (AttributeError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise self._failed(
                model_errors.InvalidResponseError,
                f"expected metadata with version and signatures, received {len(response.content)} bytes without",
            ) from error
        self._require_inputs(version, inputs)
        self._require_output(version, widths[self._settings.signature])
        await self._learn_interval(version, has_one=self._answers.has_interval and INTERVAL in signatures)
        return version

    def interval_of(self, version: str) -> Interval | None:
        """Return the interval of a version that `version` returned before; None when it has none."""
        return self._intervals.get(version)

    async def _learn_interval(self, version: str, *, has_one: bool) -> None:
        """Ask a version once for its interval.

        Raises:
            ModelError: The version has the signature and returns no interval, so it does not fit.
        """
        if not has_one or version in self._intervals:
            return
        body = pydantic_core.to_json({"signature_name": INTERVAL, "inputs": {"predictions": [0.0]}})
        response = await self._call("POST", f"/v1/models/{self._settings.name}/versions/{version}:predict", body)
        if response.status != 400:  # the signature takes other inputs
            self._require_success(response)
        try:
            self._intervals[version] = read_interval(response.json()["outputs"])
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed(
                model_errors.SignatureMismatchError,
                f"expected low, high and level of version {version}'s interval, received status {response.status} with "
                f"{len(response.content)} bytes without; export the version again",
            ) from error
        while len(self._intervals) > _MOST_INTERVALS:
            del self._intervals[next(iter(self._intervals))]

    async def predict(self, version: str, inputs: dict[str, list[Value]]) -> list[Output]:
        """Ask a version for predictions.

        Args:
            version: the version's number.
            inputs: one column per feature, with the contract's markers for missing values.

        Returns:
            One output per row, as the kind of task defines it.

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
            outputs = response.json()["outputs"]
            column = outputs[self._settings.output] if isinstance(outputs, dict) else outputs
            found = read_column(column, rows, self._answers)
        except (ValueError, KeyError, TypeError) as error:
            raise self._failed(
                model_errors.InvalidResponseError,
                f"expected {self._settings.output} with {self._answers.expectation} for each of {rows} rows, "
                f"received {len(response.content)} bytes without",
            ) from error
        self._metrics.upstream_seconds.observe(time.perf_counter() - began)
        return found

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
        """Check the signature's inputs, name -> dtype, against the contract."""
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

    def _require_output(self, version: str, widths: Mapping[str, int | None]) -> None:
        """Check the output's width against the kind of task: one class too many would shift all names."""
        if self._settings.output not in widths:
            raise self._failed(
                model_errors.SignatureMismatchError,
                f"version {version} has no output {self._settings.output}, only {', '.join(sorted(widths))}",
            )
        width = widths[self._settings.output]
        if width not in (None, self._answers.width):
            raise self._failed(
                model_errors.SignatureMismatchError,
                f"version {version} does not fit the settings' kind and the contract's classes: expected "
                f"{self._answers.expectation} for each row, received {width} numbers",
            )

    def _failed(self, kind: type[model_errors.ModelError], message: str) -> model_errors.ModelError:
        self._metrics.upstream_errors.labels(kind.kind).inc()
        return kind(f"{self._settings.server}: {message}")


def _width(tensor: Mapping[str, Any]) -> int | None:
    """Return the numbers per row of an output by its metadata; None if the metadata does not say."""
    shape = tensor["tensor_shape"]
    sizes = [int(dimension["size"]) for dimension in shape.get("dim", [])]
    if shape.get("unknown_rank") or not sizes or -1 in sizes[1:]:
        return None
    return math.prod(sizes[1:])
