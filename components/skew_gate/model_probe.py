"""Runs the signatures of an exported model on raw Examples, in a process without this project or tensorflow_transform.

SkewGate runs this file as a script (components.skew_gate.probe_process), without this project on its path. The script
takes one argument, a JSON file with `model` (the SavedModel), `examples` (raw Examples files), `chunk_rows` (rows read
together), `missing` (the missing rule), `batch_sizes`, and `output` (a folder). It writes one `.npz` file per chunk of
rows, `chunk-00000.npz` and so on, with the arrays that `load_predictor` describes. At the end it writes `probe.json`:
either `rows` and the `forbidden_modules` that were loaded, or the `error` that ended it.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    gc.disable()  # until TensorFlow is imported, as gc_paused_imports of the project does
import numpy as np
import tensorflow as tf

FORBIDDEN_MODULES = ("tensorflow_transform", "pipelines", "components")
CHUNK_NAME = "chunk-{:05d}.npz"
RESULT_NAME = "probe.json"
FILLED = "filled"  # in place of a batch size; see load_predictor

Tensors = dict[str, tf.Tensor]


def load_predictor(
    model_dir: str, *, missing: Mapping[str, object], batch_sizes: Sequence[int]
) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """Loads an exported model as a function of serialized raw tf.Examples [rows].

    Args:
        model_dir: the SavedModel.
        missing: `number` and `string`, the values that tell serving_raw that a value is missing.
        batch_sizes: rows a call of a signature.

    Returns:
        A function that returns arrays [rows, n], named `transform_features/<batch size>/<feature>`,
        `serving_default/<batch size>` and `serving_raw/<batch size>`. For features, `filled` is one more batch size:
        the largest, and the last batch is filled up with rows that come a second time. Kernels compute the last few
        rows of a batch otherwise, and those of a filled batch do not count.
    """
    model = tf.saved_model.load(model_dir)
    transform_features, serving_default, serving_raw = (
        batched_signature(model.signatures[name]) for name in ("transform_features", "serving_default", "serving_raw")
    )

    def predict(serialized: np.ndarray) -> dict[str, np.ndarray]:
        # Read from the model here, not before: the model holds the variables that the signatures use.
        raw_inputs = model.signatures["serving_raw"].structured_input_signature[1]
        examples = {"examples": tf.constant(serialized)}
        columns = build_request_columns(serialized, raw_inputs, missing)
        outputs: dict[str, np.ndarray] = {}
        for size in batch_sizes:
            for name, values in transform_features(examples, size).items():
                outputs[f"transform_features/{size}/{name}"] = values.numpy()
            outputs[f"serving_default/{size}"] = serving_default(examples, size)["predictions"].numpy()
            outputs[f"serving_raw/{size}"] = serving_raw(columns, size)["predictions"].numpy()
        return outputs | _fill_last(serialized, max(batch_sizes), transform_features, outputs)

    return predict


def _fill_last(
    serialized: np.ndarray,
    size: int,
    transform_features: Callable[[Tensors, int], Tensors],
    outputs: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Returns the features of batches of `size`, the last one filled up with its own rows again."""
    last = len(serialized) % size
    first = len(serialized) - last
    prefix = f"transform_features/{size}/"
    filled = {key.removeprefix(prefix): values for key, values in outputs.items() if key.startswith(prefix)}
    if last:
        tails = transform_features({"examples": tf.constant(np.resize(serialized[first:], size))}, size)
        filled = {name: np.concatenate([values[:first], tails[name][:last]]) for name, values in filled.items()}
    return {f"transform_features/{FILLED}/{name}": values for name, values in filled.items()}


def batched_signature(signature: Any) -> Callable[[Tensors, int], Tensors]:
    """Makes a signature of a SavedModel take any number of rows, and a batch size."""
    return in_batches(lambda inputs: signature(**inputs), signature.structured_outputs)


def in_batches(function: Callable[[Tensors], Tensors], outputs: dict[str, tf.TensorSpec]) -> Callable[..., Tensors]:
    """Makes `function` take any number of rows in consecutive batches of a given size, the last one smaller.

    The loop is part of the graph: at batch size 1 a Python loop would cost more than the model.

    Args:
        function: from tensors [batch, …] to tensors [batch, …].
        outputs: what it returns, with None for the batch dimension.

    Returns:
        A function of tensors [rows, …] and the batch size, that returns tensors [rows, …].
    """
    function = tf.autograph.experimental.do_not_convert(function)  # AutoGraph is for the loop below alone

    @tf.function(reduce_retracing=True)
    def run(inputs: Tensors, size: tf.Tensor) -> Tensors:
        rows = tf.shape(next(iter(inputs.values())))[0]
        count = (rows + size - 1) // size
        arrays = {
            k: tf.TensorArray(v.dtype, count, element_shape=v.shape, infer_shape=False) for k, v in outputs.items()
        }
        for i in tf.range(count):
            batch = function({k: v[i * size : (i + 1) * size] for k, v in inputs.items()})
            arrays = {k: array.write(i, batch[k]) for k, array in arrays.items()}
        return {k: array.concat() for k, array in arrays.items()}

    return lambda inputs, size: run(inputs, tf.constant(size))


def build_request_columns(
    serialized: np.ndarray, inputs: Mapping[str, tf.TensorSpec], missing: Mapping[str, object]
) -> Tensors:
    """Builds one tensor [rows] per raw feature, as a client of serving_raw sends it: missing values are spelled out.

    Raises:
        ValueError: A row has several values for a feature; serving_raw takes one.
    """
    columns: dict[str, list[object]] = {name: [] for name in inputs}
    missing_values = {name: _missing_value(spec.dtype, missing) for name, spec in inputs.items()}
    for record in serialized:
        features = tf.train.Example.FromString(record).features.feature
        for name, column in columns.items():
            values = feature_values(features[name]) if name in features else ()
            if len(values) > 1:
                raise ValueError(f"{name} has {len(values)} values in one row: expected one at most")
            column.append(values[0] if values else missing_values[name])
    return {name: tf.constant(column, dtype=inputs[name].dtype) for name, column in columns.items()}


def feature_values(feature: tf.train.Feature) -> tuple[object, ...]:
    """Returns the values of one feature of a tf.Example; none when it is absent."""
    kind = feature.WhichOneof("kind")
    return tuple(getattr(feature, kind).value) if kind else ()


def main(request_file: str) -> int:
    """Runs the request and returns the exit status; see the module's docstring."""
    request = json.loads(Path(request_file).read_text())
    output = Path(request["output"])
    try:
        rows = _write_chunks(request, output)
    except Exception as error:  # The boundary: TensorFlow ends with more lines than the message.
        result: dict[str, object] = {"error": f"{type(error).__name__}: {error}"}
    else:
        result = {"rows": rows, "forbidden_modules": [name for name in FORBIDDEN_MODULES if name in sys.modules]}
    (output / RESULT_NAME).write_text(json.dumps(result))
    return 1 if "error" in result else 0


def _write_chunks(request: dict[str, Any], output: Path) -> int:
    """Writes the predictions, and returns the number of rows."""
    predict = load_predictor(request["model"], missing=request["missing"], batch_sizes=request["batch_sizes"])
    rows = 0
    for index, serialized in enumerate(_read_chunks(request["examples"], request["chunk_rows"])):
        np.savez(output / CHUNK_NAME.format(index), **predict(serialized))
        rows += len(serialized)
    return rows


def _read_chunks(files: Sequence[str], rows: int) -> Iterator[np.ndarray]:
    """Duplicates components.tfrecords.read_chunks: this script must not import the project."""
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(rows)
    options = tf.data.Options()
    options.autotune.enabled = False
    yield from records.with_options(options).as_numpy_iterator()


def _missing_value(dtype: tf.DType, missing: Mapping[str, object]) -> object:
    return str(missing["string"]).encode() if dtype == tf.string else missing["number"]


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    status = main(sys.argv[1])
    sys.stderr.flush()
    # The predictions are on disk. exit_now of the project, which this script must not import, gives the reasons.
    os._exit(status)
