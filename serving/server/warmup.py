"""Replay a version's warm-up requests, so that its first request is as fast as the later ones."""

from pathlib import Path

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import input_pb2, model_pb2, prediction_log_pb2

from serving.server import inference, signature_checks
from serving.server.errors import InvalidArgumentError, ServingError
from serving.server.servable import Servable

RECORDS = Path("assets.extra", "tf_serving_warmup_requests")
_MOST_RECORDS = 1000


def warm_up(servable: Servable, version: Path) -> None:
    """Replay each record below `version`, if there are any.

    Args:
        servable: the loaded version.
        version: the version's folder.

    Raises:
        InvalidArgumentError: A record cannot be read, or there are more than 1,000.
        ServingError: A record cannot be answered.
    """
    path = version / RECORDS
    if not path.is_file():
        return
    try:
        for count, record in enumerate(tf.compat.v1.io.tf_record_iterator(str(path)), start=1):
            if count > _MOST_RECORDS:
                problem = f"Number of warmup records exceeds the maximum ({_MOST_RECORDS})"
                raise InvalidArgumentError(_describe(path, problem))
            try:
                _replay(servable, prediction_log_pb2.PredictionLog.FromString(record))
            except DecodeError as error:
                problem = f"Failed to parse warmup record {count}: {error}"
                raise InvalidArgumentError(_describe(path, problem)) from error
            except ServingError as error:
                raise ServingError(error.code, _describe(path, f"record {count}: {error.message}")) from error
    except tf.errors.DataLossError as error:
        problem = f"{error.message}. Please verify your data is in TFRecord format"
        raise InvalidArgumentError(_describe(path, problem)) from error


def _replay(servable: Servable, record: prediction_log_pb2.PredictionLog) -> None:
    match record.WhichOneof("log_type"):
        case "predict_log":
            request = record.predict_log.request
            _, signature = signature_checks.signature(servable.signatures, request.model_spec)
            outputs = signature_checks.outputs(signature, request.output_filter)
            servable.run(signature, signature_checks.arrays(signature, request), outputs)
        case "classify_log":
            _replay_examples(servable, record.classify_log.request.model_spec, record.classify_log.request.input)
        case "regress_log":
            _replay_examples(servable, record.regress_log.request.model_spec, record.regress_log.request.input)
        case "multi_inference_log":
            for task in record.multi_inference_log.request.tasks:
                _replay_examples(servable, task.model_spec, record.multi_inference_log.request.input)
        case kind:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"expected a Predict, Classify, Regress or MultiInference, received {kind}",
            )


def _replay_examples(servable: Servable, spec: model_pb2.ModelSpec, examples: input_pb2.Input) -> None:
    _, signature = signature_checks.signature(servable.signatures, spec)
    servable.run(signature, inference.inputs(signature, examples), sorted(signature.outputs))


def _describe(path: Path, problem: str) -> str:
    return f"warm-up with {path}: {problem}"
