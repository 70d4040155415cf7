"""Serve the gRPC port: TensorFlow Serving's PredictionService and ModelService, health and reflection."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import grpc
import numpy as np
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from serving import request_id
from serving.server import service_descriptors, signature_checks, tensors
from serving.server.errors import InvalidArgumentError, ServingError, cut
from serving.server.service import Service

_Response = TypeVar("_Response")
_log = logging.getLogger(__name__)


async def add_to(server: grpc.aio.Server, service: Service) -> None:
    """Register all services of the port: prediction, model, health and reflection.

    Args:
        server: the gRPC server, not started yet.
        service: answers the requests.
    """
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_PredictionService(service), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_ModelService(service), server)
    healthy = health.aio.HealthServicer()
    for name in (service_descriptors.PREDICTION_SERVICE, service_descriptors.MODEL_SERVICE):
        await healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    service_descriptors.register()
    named = (service_descriptors.PREDICTION_SERVICE, service_descriptors.MODEL_SERVICE, health.SERVICE_NAME)
    reflection.enable_server_reflection([*named, reflection.SERVICE_NAME], server)


async def _predict(service: Service, request: predict_pb2.PredictRequest) -> predict_pb2.PredictResponse:
    if not request.HasField("model_spec"):
        raise InvalidArgumentError("Missing ModelSpec")

    async def read_inputs(signature: meta_graph_pb2.SignatureDef, _: object) -> Mapping[str, np.ndarray]:
        return signature_checks.arrays(signature, request)

    answer = await service.predict(
        request.model_spec,
        read_inputs,
        _unknown_signature,
        request.output_filter,
    )
    response = predict_pb2.PredictResponse(model_spec=answer.spec)
    for name, array in answer.outputs.items():
        response.outputs[name].CopyFrom(tensors.to_proto(array))
    return response


def _unknown_signature(name: str) -> ServingError:
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')


class MalformedIsInvalid(grpc.aio.ServerInterceptor):
    """Answer INVALID_ARGUMENT to bytes that cannot be parsed; grpcio would answer UNKNOWN."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Move parsing from grpcio into the call.

        Args:
            continuation: returns the original handler.
            handler_call_details: the call's method and metadata.

        Returns:
            A handler that parses the request itself.
        """
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler

        async def parse_and_answer(data: bytes, context: grpc.aio.ServicerContext) -> Any:
            try:
                request = handler.request_deserializer(data)
            except DecodeError as error:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the request cannot be parsed: {error}")
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(parse_and_answer, response_serializer=handler.response_serializer)


class _PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, service: Service):
        self._service = service

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return await _answered(context, lambda: _predict(self._service, request))

    async def Classify(
        self, request: classification_pb2.ClassificationRequest, context: grpc.aio.ServicerContext
    ) -> classification_pb2.ClassificationResponse:
        return await _answered(context, lambda: self._service.classify(request))

    async def Regress(
        self, request: regression_pb2.RegressionRequest, context: grpc.aio.ServicerContext
    ) -> regression_pb2.RegressionResponse:
        return await _answered(context, lambda: self._service.regress(request))

    async def MultiInference(
        self, request: inference_pb2.MultiInferenceRequest, context: grpc.aio.ServicerContext
    ) -> inference_pb2.MultiInferenceResponse:
        return await _answered(context, lambda: self._service.multi_inference(request))

    async def GetModelMetadata(
        self, request: get_model_metadata_pb2.GetModelMetadataRequest, context: grpc.aio.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        async def answer() -> get_model_metadata_pb2.GetModelMetadataResponse:
            if not request.HasField("model_spec"):
                raise InvalidArgumentError("Missing ModelSpec")
            return self._service.metadata(request.model_spec, request.metadata_field)

        return await _answered(context, answer)


class _ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, service: Service):
        self._service = service

    async def GetModelStatus(
        self, request: get_model_status_pb2.GetModelStatusRequest, context: grpc.aio.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        async def answer() -> get_model_status_pb2.GetModelStatusResponse:
            if not request.HasField("model_spec"):
                raise InvalidArgumentError("Missing ModelSpec")
            return self._service.status(request.model_spec)

        return await _answered(context, answer)

    async def HandleReloadConfigRequest(
        self, request: model_management_pb2.ReloadConfigRequest, context: grpc.aio.ServicerContext
    ) -> model_management_pb2.ReloadConfigResponse:
        async def answer() -> model_management_pb2.ReloadConfigResponse:
            response = model_management_pb2.ReloadConfigResponse()
            try:
                if request.config.WhichOneof("config") != "model_config_list":
                    raise InvalidArgumentError(
                        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
                        "currently supported; to serve nothing, send an empty one."
                    )
                await self._service.reload(request.config)
            except ServingError as error:  # returned in the response, not as the call's status
                response.status.error_code = error.number
                response.status.error_message = error.message
            return response

        return await _answered(context, answer)


def _request_id(context: grpc.aio.ServicerContext) -> str:
    """Return the id by which the caller knows the request; keys of metadata are lower-case."""
    sent = dict(context.invocation_metadata() or ()).get(request_id.HEADER.lower(), "")
    return request_id.loggable(sent if isinstance(sent, str) else "")


async def _answered(context: grpc.aio.ServicerContext, answer: Callable[[], Awaitable[_Response]]) -> _Response:
    try:
        return await answer()
    except ServingError as error:
        _log.info("Request %s: a gRPC call ended with %s.", _request_id(context), error.code.name)
        await context.abort(error.code, cut(error.message))
    except Exception as error:  # a bug in the server: the traceback goes to the log, not to the caller
        _log.exception("Request %s: internal error", _request_id(context))
        await context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}; the server's log has the traceback")
    raise AssertionError("abort raises")
