"""Answer requests of both ports: find the version, check the request, run the model, build the answer."""

import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

import grpc
import numpy as np
from google.protobuf import any_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from serving.server import inference, signature_checks
from serving.server.batching import BatchingRunner, DirectRunner
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.manager import ModelManager
from serving.server.metrics import ServerMetrics
from serving.server.servable import Servable

SIGNATURE_DEF = "signature_def"
# Set where the server itself limits the time: tells a request that was too slow from a client that left.
DEADLINE: contextvars.ContextVar[asyncio.Timeout | None] = contextvars.ContextVar("DEADLINE", default=None)
# Takes the signature and its inputs by name; returns the arrays for them.
ReadInputs = Callable[
    [meta_graph_pb2.SignatureDef, Mapping[str, meta_graph_pb2.TensorInfo]], Awaitable[Mapping[str, np.ndarray]]
]


@dataclasses.dataclass(frozen=True)
class Answer:
    """The result of Predict: the model, version and signature that answered, and the outputs."""

    spec: model_pb2.ModelSpec
    outputs: Mapping[str, np.ndarray]


class Service:
    """Answer requests. Use it from one event loop."""

    def __init__(self, manager: ModelManager, runner: DirectRunner | BatchingRunner, metrics: ServerMetrics):
        self._manager = manager
        self._runner = runner
        self._metrics = metrics

    async def predict(
        self,
        spec: model_pb2.ModelSpec,
        read_inputs: ReadInputs,
        unknown_signature: Callable[[str], ServingError],
        output_filter: Sequence[str] = (),
        *,
        entrypoint: str = "GRPC",
    ) -> Answer:
        """Run a signature on tensors.

        Args:
            spec: the model, optionally its version or label, and the signature (`serving_default` if it names none).
            read_inputs: returns the arrays once the signature is known; raises ServingError if they do not fit it.
            unknown_signature: makes the error for an unknown signature, which differs by transport.
            output_filter: the wanted outputs; empty means all.
            entrypoint: GRPC or REST, for the metrics.

        Returns:
            The answer.

        Raises:
            ServingError: The request cannot be answered.
        """
        with self._observed(spec.name, "Predict", entrypoint), self._manager.lease(spec) as (version, servable):
            name = spec.signature_name or signature_checks.DEFAULT_SIGNATURE
            if name not in servable.signatures:
                raise unknown_signature(name)
            signature = servable.signatures[name]
            inputs = await read_inputs(signature, servable.inputs[name])
            outputs = signature_checks.outputs(signature, output_filter)
            with self._metrics.running(spec.name, "Predict"):
                values = await self._runner.run(servable, signature, inputs, outputs)
            return Answer(_resolved(spec.name, version, name), values)

    async def classify(
        self, request: classification_pb2.ClassificationRequest, *, entrypoint: str = "GRPC"
    ) -> classification_pb2.ClassificationResponse:
        """Classify tf.Examples.

        Args:
            request: the model, and the tf.Examples.
            entrypoint: GRPC or REST, for the metrics.

        Returns:
            Labels and scores of each tf.Example.

        Raises:
            ServingError: The request cannot be answered.
        """
        with self._observed(request.model_spec.name, "Classify", entrypoint), self._leased(request) as leased:
            return await self._classify(request.model_spec, request.input, *leased)

    async def regress(
        self, request: regression_pb2.RegressionRequest, *, entrypoint: str = "GRPC"
    ) -> regression_pb2.RegressionResponse:
        """Predict a value for each tf.Example.

        Args:
            request: the model, and the tf.Examples.
            entrypoint: GRPC or REST, for the metrics.

        Returns:
            A value for each tf.Example.

        Raises:
            ServingError: The request cannot be answered.
        """
        with self._observed(request.model_spec.name, "Regress", entrypoint), self._leased(request) as leased:
            return await self._regress(request.model_spec, request.input, *leased)

    async def multi_inference(
        self, request: inference_pb2.MultiInferenceRequest
    ) -> inference_pb2.MultiInferenceResponse:
        """Classify and regress the same tf.Examples with several signatures of one model version.

        Args:
            request: the signatures, and the tf.Examples.

        Returns:
            The result of each signature.

        Raises:
            InvalidArgumentError: The request has no tasks.
            ServingError: The request cannot be answered for another reason.
        """
        if not request.tasks:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        first = request.tasks[0].model_spec
        with self._observed(first.name, "MultiInference", "GRPC"):
            _check_tasks(request.tasks)
            response = inference_pb2.MultiInferenceResponse()
            with self._manager.lease(first) as leased:
                for task in request.tasks:
                    result = response.results.add()
                    if task.method_name == inference.CLASSIFY_METHOD:
                        classified = await self._classify(task.model_spec, request.input, *leased)
                        result.model_spec.CopyFrom(classified.model_spec)
                        result.classification_result.CopyFrom(classified.result)
                    else:
                        regressed = await self._regress(task.model_spec, request.input, *leased)
                        result.model_spec.CopyFrom(regressed.model_spec)
                        result.regression_result.CopyFrom(regressed.result)
            return response

    def metadata(
        self, spec: model_pb2.ModelSpec, fields: Iterable[str] = (SIGNATURE_DEF,)
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Return the signatures of a version.

        Args:
            spec: the model, and optionally its version or label.
            fields: the wanted metadata; TensorFlow Serving defines `signature_def` only.

        Returns:
            The signatures, and the version that has them.

        Raises:
            InvalidArgumentError: No model, no field, or a field other than `signature_def` was asked for.
            ServingError: There is no such version.
        """
        if not spec.name:
            raise InvalidArgumentError("ModelSpec has no name specified.")
        wanted = set(fields)
        if not wanted:
            raise InvalidArgumentError(
                f"GetModelMetadataRequest must specify at least one metadata_field: {SIGNATURE_DEF}"
            )
        if wanted != {SIGNATURE_DEF}:
            raise InvalidArgumentError(
                f"Metadata field {min(wanted - {SIGNATURE_DEF})} is not supported; there is {SIGNATURE_DEF}"
            )
        with self._manager.lease(spec) as (version, servable):
            signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signature_defs)
            packed = any_pb2.Any()
            packed.Pack(signatures)
            response = get_model_metadata_pb2.GetModelMetadataResponse(metadata={SIGNATURE_DEF: packed})
            response.model_spec.CopyFrom(_resolved(spec.name, version, ""))
            return response

    def status(self, spec: model_pb2.ModelSpec) -> get_model_status_pb2.GetModelStatusResponse:
        """Return the states of a model's versions, newest first.

        Args:
            spec: the model, and optionally one version or label.

        Returns:
            A row for each version.

        Raises:
            ServingError: There is no such model or version.
        """
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in self._manager.status(spec):
            row = response.model_version_status.add(version=version.number, state=version.state)
            row.status.SetInParent()
            if version.error:
                row.status.error_code = version.error.number
                row.status.error_message = version.error.message
        return response

    async def reload(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Replace the whole config; see ModelManager.reload."""
        await self._manager.reload(config)

    # --- Parts.

    @contextlib.contextmanager
    def _leased(
        self, request: classification_pb2.ClassificationRequest | regression_pb2.RegressionRequest
    ) -> Iterator[tuple[int, Servable]]:
        if not request.HasField("model_spec"):
            raise InvalidArgumentError("Missing ModelSpec")
        with self._manager.lease(request.model_spec) as leased:
            yield leased

    async def _classify(
        self, spec: model_pb2.ModelSpec, request: input_pb2.Input, version: int, servable: Servable
    ) -> classification_pb2.ClassificationResponse:
        name, signature = signature_checks.signature(servable.signatures, spec)
        outputs = inference.classification_outputs(signature)
        inputs = inference.inputs(signature, request)
        with self._metrics.running(spec.name, "Classify"):
            values = await self._runner.run(servable, signature, inputs, outputs)
        response = classification_pb2.ClassificationResponse(model_spec=_resolved(spec.name, version, name))
        response.result.classifications.extend(inference.classification(values, len(inputs[inference.INPUTS])))
        return response

    async def _regress(
        self, spec: model_pb2.ModelSpec, request: input_pb2.Input, version: int, servable: Servable
    ) -> regression_pb2.RegressionResponse:
        name, signature = signature_checks.signature(servable.signatures, spec)
        outputs = inference.regression_outputs(signature)
        inputs = inference.inputs(signature, request)
        with self._metrics.running(spec.name, "Regress"):
            values = await self._runner.run(servable, signature, inputs, outputs)
        response = regression_pb2.RegressionResponse(model_spec=_resolved(spec.name, version, name))
        response.result.regressions.extend(inference.regression(values, len(inputs[inference.INPUTS])))
        return response

    @contextlib.contextmanager
    def _observed(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        since, status = time.perf_counter(), "OK"
        try:
            yield
        except ServingError as error:
            status = error.code.name
            raise
        except asyncio.CancelledError:  # the client left, its deadline passed, or ours did
            deadline = DEADLINE.get()
            late = deadline is not None and deadline.expired()
            status = (grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED).name
            raise
        except Exception:
            status = grpc.StatusCode.INTERNAL.name
            raise
        finally:
            self._metrics.answered(model if self._manager.knows(model) else "", api, entrypoint, status, since)


def _resolved(model: str, version: int, signature: str) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=model, signature_name=signature)
    spec.version.value = version
    return spec


def _check_tasks(tasks: Sequence[inference_pb2.InferenceTask]) -> None:
    models = {task.model_spec.name for task in tasks}
    if "" in models:
        raise InvalidArgumentError("ModelSpec has no name specified.")
    if len(models) > 1:
        raise InvalidArgumentError(
            f"All ModelSpecs in a MultiInferenceRequest must access the same model name; received {sorted(models)}"
        )
    signatures = [task.model_spec.signature_name or signature_checks.DEFAULT_SIGNATURE for task in tasks]
    for name, count in collections.Counter(signatures).items():
        if count > 1:
            raise InvalidArgumentError(f"Duplicate evaluation of signature: {name}")
    for task in tasks:
        if task.method_name not in (inference.CLASSIFY_METHOD, inference.REGRESS_METHOD):
            raise ServingError(grpc.StatusCode.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
