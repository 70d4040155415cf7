"""Write the warm-up requests of a model, so that the first requests to a new version are not slower than later ones.

TensorFlow Serving replays them before a version answers. They are a TFRecord file of at most 1,000 PredictionLogs
(https://www.tensorflow.org/tfx/serving/saved_model_warmup). The first batch of each size is slow for each signature, so
there is one record per signature and batch size. The records contain real rows, without the label.
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
    """Return the path of the warm-up records in a SavedModel."""
    return Path(path_utils.warmup_file_path(str(model_dir)))


def write(path: Path, rows: RequestBatch, batch_sizes: Iterable[int]) -> None:
    """Write one record per signature and batch size; the same rows give the same bytes.

    Args:
        path: the file to write.
        rows: at least one; they are repeated to fill larger batches.
        batch_sizes: rows per request.

    Raises:
        ValueError: There is no row.
    """
    if not len(rows):
        raise ValueError(
            "cannot write warm-up requests: expected at least one row, received none; check that the split has rows"
        )
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in sorted(set(batch_sizes)):
            for signature, inputs in _inputs(rows, size).items():
                writer.write(_record(signature, inputs).SerializeToString(deterministic=True))


def _inputs(rows: RequestBatch, size: int) -> dict[str, dict[str, np.ndarray]]:
    """Return the inputs of each signature, each [size]."""
    chosen = np.resize(np.arange(len(rows)), size)
    requests = np.array([_request(rows.examples[i], rows.columns.keys()) for i in chosen], dtype=object)
    columns = {name: values[chosen] for name, values in sorted(rows.columns.items())}
    return {SERVING_DEFAULT: {"examples": requests}, SERVING_RAW: columns}


def _request(serialized: bytes, names: Iterable[str]) -> bytes:
    """Return a raw row reduced to the features that a request contains."""
    row = tf.train.Example.FromString(serialized).features.feature
    features = tf.train.Features(feature={name: row[name] for name in names if name in row})
    return tf.train.Example(features=features).SerializeToString(deterministic=True)


def _record(signature: str, inputs: dict[str, np.ndarray]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    # No model name: the server replays the records on the version that contains them, under any name.
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
