"""Writes the warm-up requests of a model, so that the first callers of a new version wait no longer than the others.

TensorFlow Serving replays them before a version answers: a TFRecord of PredictionLog, 1,000 at most
(https://www.tensorflow.org/tfx/serving/saved_model_warmup). The first batch of a size and a signature is the slow one,
so there is one record for each. They are made from real rows, without the label.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
from tfx.utils import path_utils

from components.candidate_serving.transports import RequestBatch
from components.signatures import SERVING_DEFAULT, SERVING_RAW

FILE = Path(path_utils.warmup_file_path("")).name


def path_in(model_dir: Path) -> Path:
    """Where a SavedModel keeps its records."""
    return Path(path_utils.warmup_file_path(str(model_dir)))


def write(path: Path, rows: RequestBatch, batch_sizes: Iterable[int]) -> None:
    """Writes one record per signature and batch size; the same rows give the same bytes.

    Args:
        path: the file.
        rows: one at least; where a batch is larger, they are repeated.
        batch_sizes: rows a request.

    Raises:
        ValueError: There is no row.
    """
    if not len(rows):
        raise ValueError("no warm-up requests without rows: expected one row at least, received none")
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in sorted(set(batch_sizes)):
            for signature, inputs in _inputs(rows, size).items():
                writer.write(_record(signature, inputs).SerializeToString(deterministic=True))


def _inputs(rows: RequestBatch, size: int) -> dict[str, dict[str, np.ndarray]]:
    """Signature -> its inputs, each [size]."""
    chosen = np.resize(np.arange(len(rows)), size)
    requests = np.array([_request(rows.examples[i], rows.columns.keys()) for i in chosen], dtype=object)
    columns = {name: values[chosen] for name, values in sorted(rows.columns.items())}
    return {SERVING_DEFAULT: {"examples": requests}, SERVING_RAW: columns}


def _request(serialized: bytes, names: Iterable[str]) -> bytes:
    """A raw row with nothing but what a request holds."""
    row = tf.train.Example.FromString(serialized).features.feature
    features = tf.train.Features(feature={name: row[name] for name in names if name in row})
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def _record(signature: str, inputs: dict[str, np.ndarray]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    # No model name: the server replays on the version that brings the records, whatever it is called there.
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
