"""Run the signatures of an exported model on raw Examples, in a process without this project or tensorflow_transform.

SkewGate runs this file as a script (components.skew_gate.probe_process), without this project on its import path. The
script takes one argument, a JSON file with `model` (the SavedModel), `examples` (raw Examples files), `chunk_rows`
(rows read together), `missing` (the missing rule), `batch_sizes`, and `output` (a folder). It works in two steps:

1. It runs every row in batches of the largest size, and writes one `.npz` file per chunk of rows, `chunk-00000.npz` and
   so on, with the arrays that `load_predictor` describes for that size.
2. It runs the rows that it is asked for in all other layouts. For each file of raw tf.Examples, `ask-00000.tfrecord`
   and so on, that appears in the folder, it writes `answer-00000.npz`. It stops when a file `last-ask` exists.

At the end it writes `probe.json`: either `rows` and the `forbidden_modules` that were loaded, or the `error` that ended
it. Every file is complete when its name appears.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    gc.disable()  # until TensorFlow is imported, which is then faster; gc_paused_imports of the project does the same
import numpy as np
import tensorflow as tf

FORBIDDEN_MODULES = ("tensorflow_transform", "pipelines", "components")
CHUNK_NAME = "chunk-{:05d}.npz"
ASK_NAME, ANSWER_NAME, LAST_ASK_NAME = "ask-{:05d}.tfrecord", "answer-{:05d}.npz", "last-ask"
RESULT_NAME = "probe.json"
FILLED = "filled"  # instead of a batch size in the name of an output; see load_predictor
_POLL_SECONDS = 0.01

Tensors = dict[str, tf.Tensor]


def load_predictor(model_dir: str, *, missing: Mapping[str, object]) -> Callable[..., dict[str, np.ndarray]]:
    """Load an exported model as a function of serialized raw tf.Examples [rows].

    Args:
        model_dir: the SavedModel.
        missing: `number` and `string`, the values that tell serving_raw that a value is missing.

    Returns:
        A function of the examples, of batch sizes, and optionally of a batch size `filled`. It returns arrays
        [rows, n], named `transform_features/<batch size>/<feature>`, `serving_default/<batch size>` and
        `serving_raw/<batch size>`. With `filled` it also returns `transform_features/filled/<feature>`, for which the
        last batch is filled up with repeated rows, whose results are dropped. Kernels compute the last few rows of a
        batch differently, and in a filled batch those are the repeated ones.
    """
    model = tf.saved_model.load(model_dir)
    transform_features, serving_default, serving_raw = (
        batched_signature(model.signatures[name]) for name in ("transform_features", "serving_default", "serving_raw")
    )

    def predict(serialized: np.ndarray, sizes: Sequence[int], filled: int | None = None) -> dict[str, np.ndarray]:
        # `model` is used here so that it stays alive: it holds the variables that the signatures use.
        raw_inputs = model.signatures["serving_raw"].structured_input_signature[1]
        examples = {"examples": tf.constant(serialized)}
        columns = build_request_columns(serialized, raw_inputs, missing)
        features: dict[int | str, Tensors] = {size: transform_features(examples, size) for size in sizes}
        if filled is not None:
            features[FILLED] = _in_filled_batches(serialized, filled, transform_features)
        outputs = {
            f"transform_features/{size}/{name}": x.numpy() for size in features for name, x in features[size].items()
        }
        for size in sizes:
            outputs[f"serving_default/{size}"] = serving_default(examples, size)["predictions"].numpy()
            outputs[f"serving_raw/{size}"] = serving_raw(columns, size)["predictions"].numpy()
        return outputs

    return predict


def _in_filled_batches(
    serialized: np.ndarray, size: int, transform_features: Callable[[Tensors, int], Tensors]
) -> Tensors:
    """Return the features computed in batches of `size`, the last one filled up with rows from the beginning."""
    filled = np.resize(serialized, -(-len(serialized) // size) * size)
    features = transform_features({"examples": tf.constant(filled)}, size)
    return {name: values[: len(serialized)] for name, values in features.items()}


def batched_signature(signature: Any) -> Callable[[Tensors, int], Tensors]:
    """Return a function that calls a signature of a SavedModel on any number of rows in batches of a given size."""
    return in_batches(lambda inputs: signature(**inputs), signature.structured_outputs)


def in_batches(function: Callable[[Tensors], Tensors], outputs: dict[str, tf.TensorSpec]) -> Callable[..., Tensors]:
    """Return a function that calls `function` on consecutive batches of a given size, the last one smaller.

    The loop is part of the graph: at batch size 1 a Python loop would take longer than the model.

    Args:
        function: from tensors [batch, …] to tensors [batch, …].
        outputs: specs of what it returns, with None for the batch dimension.

    Returns:
        A function of tensors [rows, …] and the batch size that returns tensors [rows, …].
    """
    function = tf.autograph.experimental.do_not_convert(function)  # AutoGraph has to convert only the loop below

    @tf.function
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

    def call(inputs: Tensors, size: int) -> Tensors:
        # None rows: a trace takes seconds, and without this there would be one for each number of rows.
        specs = {name: tf.TensorSpec([None, *values.shape[1:]], values.dtype) for name, values in inputs.items()}
        traced = run.get_concrete_function(specs, tf.TensorSpec([], tf.int32))
        found: Tensors = traced(inputs, tf.constant(size))
        return found

    return call


def build_request_columns(
    serialized: np.ndarray, inputs: Mapping[str, tf.TensorSpec], missing: Mapping[str, object]
) -> Tensors:
    """Build one tensor [rows] per raw feature, as a client of serving_raw sends it.

    Args:
        serialized: raw tf.Examples [rows].
        inputs: specs of the inputs of serving_raw.
        missing: `number` and `string`, the values that tell serving_raw that a value is missing.

    Returns:
        Feature -> tensor [rows], in which missing values are replaced by those of `missing`.

    Raises:
        ValueError: A row has several values for a feature; serving_raw takes one.
    """
    examples = tf.constant(serialized, tf.string)  # the dtype is needed if there are no rows
    parsed = tf.io.parse_example(examples, {name: tf.io.RaggedFeature(spec.dtype) for name, spec in inputs.items()})
    columns = {}
    for name, ragged in parsed.items():
        counts = np.diff(ragged.row_splits.numpy())
        if counts.max(initial=0) > 1:
            raise ValueError(
                f"raw feature {name}: expected at most one value per row, received {counts.max()} in one row"
            )
        dtype = inputs[name].dtype
        column = np.full(len(serialized), _missing_value(dtype, missing), dtype.as_numpy_dtype)
        column[counts == 1] = ragged.values.numpy()
        columns[name] = tf.constant(column, dtype)
    return columns


def main(request_file: str) -> int:
    """Run the request in a file, which the module's docstring describes, and return the exit status."""
    request = json.loads(Path(request_file).read_text())
    output = Path(request["output"])
    try:
        rows = _serve_request(request, output)
    except Exception as error:  # SkewGate reports only the message; a traceback of TensorFlow has many lines.
        result: dict[str, object] = {"error": f"{type(error).__name__}: {error}"}
    else:
        result = {"rows": rows, "forbidden_modules": [name for name in FORBIDDEN_MODULES if name in sys.modules]}
    unfinished = output / f"unfinished-{RESULT_NAME}"
    unfinished.write_text(json.dumps(result))
    unfinished.rename(output / RESULT_NAME)
    return 1 if "error" in result else 0


def _serve_request(request: dict[str, Any], output: Path) -> int:
    """Write the outputs of every row, then of those that are asked for; return the number of all rows."""
    predict = load_predictor(request["model"], missing=request["missing"])
    *smaller, largest = sorted(request["batch_sizes"])
    rows = 0
    for index, serialized in enumerate(_read_chunks(request["examples"], request["chunk_rows"])):
        _write_arrays(output / CHUNK_NAME.format(index), predict(serialized, [largest]))
        rows += len(serialized)
    for index, asked in enumerate(_wait_for_asks(output)):
        records = np.array(list(tf.data.TFRecordDataset(str(asked)).as_numpy_iterator()), dtype=object)
        _write_arrays(output / ANSWER_NAME.format(index), predict(records, smaller, filled=largest))
    return rows


def _wait_for_asks(output: Path) -> Iterator[Path]:
    """Yield the files of rows that are asked for, as they appear, until `last-ask` exists and no file is left."""
    index = 0
    while True:
        last = (output / LAST_ASK_NAME).exists()  # checked first, because it is written after the others
        path = output / ASK_NAME.format(index)
        if path.exists():
            yield path
            index += 1
        elif last:
            return
        else:
            time.sleep(_POLL_SECONDS)


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    unfinished = path.with_name(f"unfinished-{path.name}")
    np.savez(unfinished, **arrays)
    unfinished.rename(path)


def _read_chunks(files: Sequence[str], rows: int) -> Iterator[np.ndarray]:
    """Read chunks of records; a copy of components.tfrecords.read_chunks, which this script must not import."""
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
    # The predictions are on disk. exit_now of the project, which this script must not import, explains why to exit so.
    os._exit(status)
