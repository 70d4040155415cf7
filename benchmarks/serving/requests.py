"""Make the requests of the load test: real rows of the eval split, in every form that the model accepts."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from benchmarks.examples import examples_folder, read_rows
from benchmarks.serving.phases import Transport
from serving.contract import Contract, Kind, Value

RAW, EXAMPLES = "serving_raw", "serving_default"  # the signatures of every exported model
_SEED = 20261121  # of the order of rows

Row = Mapping[str, Value]
Arrays = dict[str, np.ndarray]
_DTYPES: dict[Kind, np.dtype[Any]] = {
    Kind.INT: np.dtype(np.int64),
    Kind.FLOAT: np.dtype(np.float32),
    Kind.BYTES: np.dtype(object),
}


def eval_rows(run: Path, contract: Contract) -> list[dict[str, Value]]:
    """Return the rows of the run's eval split, with the clients' features only, in a fixed random order.

    Args:
        run: the run's folder.
        contract: names the features.

    Returns:
        The rows.

    Raises:
        OSError: The run's record or rows cannot be read.
        LookupError: The run has no rows.
    """
    summary = json.loads((run / "summary.json").read_text())
    names = {feature.name for feature in contract.features}
    rows = [
        {name: _as_written(value) for name, value in row.items() if name in names}
        for row in read_rows(examples_folder(summary), "eval")
    ]
    if not rows:
        raise LookupError(f"the eval split of {run} has no rows")
    return [rows[i] for i in np.random.default_rng(_SEED).permutation(len(rows))]


def batches(rows: Sequence[Row], size: int, count: int) -> Iterator[list[Row]]:
    """Yield `count` batches of `size` rows, in turn, starting over when the rows are used up."""
    for first in range(0, size * count, size):
        yield [rows[i % len(rows)] for i in range(first, first + size)]


def raw_arrays(rows: Sequence[Row], contract: Contract) -> Arrays:
    """Return the inputs of serving_raw: [rows] per feature, with missing-value markers, strings as objects of bytes."""
    columns = contract.inputs(rows)
    return {
        feature.name: np.array(
            [value.encode() if isinstance(value, str) else value for value in columns[feature.name]],
            _DTYPES[feature.kind],
        )
        for feature in contract.features
    }


def example_arrays(rows: Sequence[Row]) -> Arrays:
    """Return the input of serving_default: [rows] bytes, serialized tf.Examples."""
    return {"examples": np.array([_example(row).SerializeToString() for row in rows], object)}


def body(transport: Transport, rows: Sequence[Row], contract: Contract, model: str) -> bytes:
    """Return one request for predictions of rows."""
    match transport:
        case Transport.REST_ROWS:
            columns = contract.inputs(rows)
            instances = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            return json.dumps({"signature_name": RAW, "instances": instances}).encode()
        case Transport.REST_COLUMNS:
            return json.dumps({"signature_name": RAW, "inputs": contract.inputs(rows)}).encode()
        case Transport.GRPC_COLUMNS:
            return _predict_request(model, RAW, raw_arrays(rows, contract))
        case Transport.GRPC_EXAMPLES:
            return _predict_request(model, EXAMPLES, example_arrays(rows))
        case Transport.BENTOML:
            return json.dumps({"rows": list(rows)}).encode()
        case Transport.GATEWAY | Transport.PEER | Transport.PEER_ASYNC:
            return json.dumps(list(rows) if len(rows) > 1 else rows[0]).encode()


def _as_written(value: Value) -> Value:
    """Return a float with the digits that a client would send: Examples hold float32, where 0.1 is 0.10000000149."""
    return float(str(np.float32(value))) if isinstance(value, float) else value


def _predict_request(model: str, signature: str, arrays: Arrays) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return bytes(request.SerializeToString())


def _example(row: Row) -> tf.train.Example:
    example = tf.train.Example()
    for name, value in row.items():
        feature = example.features.feature[name]
        if isinstance(value, str):
            feature.bytes_list.value.append(value.encode())
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example
