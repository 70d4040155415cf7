"""Asks an exported model what a client would, in a process that knows neither this project nor tensorflow_transform.

Run as a script by SkewGate (components.skew_gate.probe_process), without this project on its path. Its argument is a
JSON file that names the SavedModel, the raw Examples files, how many rows are read together, the missing rule, the
batch sizes, and the folder for the answers. Answers are one `.npz` per chunk of rows, named `chunk-00000.npz`, with the
arrays `transform_features/<batch size>/<feature>`, `serving_default/<batch size>`, `serving_raw/<batch size>`, each
with one row per raw row. The last thing written is `probe.json`: either `rows` and the `forbidden_modules` that were
loaded, or the `error` that ended it.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    gc.disable()  # until TensorFlow is imported, as gc_paused_imports of the project does
import numpy as np
import tensorflow as tf

FORBIDDEN_MODULES = ("tensorflow_transform", "pipelines", "components")
CHUNK_NAME = "chunk-{:05d}.npz"
DONE_NAME = "probe.json"

Nest = dict[str, tf.Tensor]


def _read_chunks(files: list[str], rows: int) -> Iterator[np.ndarray]:
    """What components.tfrecords.read_chunks gives, of which this script is to know nothing; the reasons stand there."""
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(rows)
    options = tf.data.Options()
    options.autotune.enabled = False
    yield from records.with_options(options).as_numpy_iterator()


def in_batches(function: Callable[[Nest], Nest], outputs: dict[str, tf.TensorSpec]) -> Callable[[Nest, int], Nest]:
    """Makes `function` answer any number of rows in consecutive batches of a given size, the last one smaller.

    The loop is part of the graph: at batch size 1 a Python loop would cost more than the model.

    Args:
        function: from tensors [batch, …] to tensors [batch, …].
        outputs: what it returns, with None for the batch dimension.

    Returns:
        A function of tensors [rows, …] and the batch size, that returns tensors [rows, …].
    """
    function = tf.autograph.experimental.do_not_convert(function)  # AutoGraph is for the loop below alone

    @tf.function(reduce_retracing=True)
    def run(inputs: Nest, size: tf.Tensor) -> Nest:
        rows = tf.shape(next(iter(inputs.values())))[0]
        count = (rows + size - 1) // size
        arrays = {
            k: tf.TensorArray(v.dtype, count, element_shape=v.shape, infer_shape=False) for k, v in outputs.items()
        }
        for i in tf.range(count):
            answer = function({k: v[i * size : (i + 1) * size] for k, v in inputs.items()})
            arrays = {k: array.write(i, answer[k]) for k, array in arrays.items()}
        return {k: array.concat() for k, array in arrays.items()}

    return lambda inputs, size: run(inputs, tf.constant(size))


def values_of(feature: tf.train.Feature) -> tuple[object, ...]:
    """The values of one feature of a tf.Example; none when it is absent."""
    kind = feature.WhichOneof("kind")
    return tuple(getattr(feature, kind).value) if kind else ()


def plain_columns(serialized: np.ndarray, inputs: dict[str, tf.TensorSpec], missing: dict[str, object]) -> Nest:
    """One tensor [rows] per raw feature, the way a client would send them: an absent value is spelled out.

    Raises:
        ValueError: A row has several values for a feature; serving_raw takes one.
    """
    columns: dict[str, list[object]] = {name: [] for name in inputs}
    absent = {name: _missing_value(spec.dtype, missing) for name, spec in inputs.items()}
    for record in serialized:
        features = tf.train.Example.FromString(record).features.feature
        for name, column in columns.items():
            values = values_of(features[name]) if name in features else ()
            if len(values) > 1:
                raise ValueError(f"{name} has {len(values)} values in one row: expected one at most")
            column.append(values[0] if values else absent[name])
    return {name: tf.constant(column, dtype=inputs[name].dtype) for name, column in columns.items()}


def _missing_value(dtype: tf.DType, missing: dict[str, object]) -> object:
    return str(missing["string"]).encode() if dtype == tf.string else missing["number"]


def main(request_file: str) -> int:
    """Answers the request and returns the exit status; see the module's docstring."""
    request = json.loads(Path(request_file).read_text())
    answers = Path(request["answers"])
    try:
        rows = _answer(request, answers)
    except Exception as error:  # The boundary: TensorFlow ends with more lines than the message.
        done: dict[str, object] = {"error": f"{type(error).__name__}: {error}"}
    else:
        done = {"rows": rows, "forbidden_modules": [name for name in FORBIDDEN_MODULES if name in sys.modules]}
    (answers / DONE_NAME).write_text(json.dumps(done))
    return 1 if "error" in done else 0


def _answer(request: dict[str, Any], answers: Path) -> int:
    """Writes the answers, and returns how many rows there were."""
    model = tf.saved_model.load(request["model"])
    asked = {name: _asker(model.signatures[name]) for name in ("transform_features", "serving_default", "serving_raw")}
    raw_inputs = model.signatures["serving_raw"].structured_input_signature[1]
    rows = 0
    for index, serialized in enumerate(_read_chunks(request["examples"], request["chunk_rows"])):
        examples = {"examples": tf.constant(serialized)}
        columns = plain_columns(serialized, raw_inputs, request["missing"])
        out: dict[str, np.ndarray] = {}
        for size in request["batch_sizes"]:
            for name, value in asked["transform_features"](examples, size).items():
                out[f"transform_features/{size}/{name}"] = value.numpy()
            for name, inputs in (("serving_default", examples), ("serving_raw", columns)):
                out[f"{name}/{size}"] = asked[name](inputs, size)["predictions"].numpy()
        np.savez(answers / CHUNK_NAME.format(index), **out)
        rows += len(serialized)
    return rows


def _asker(signature: Any) -> Callable[[Nest, int], Nest]:
    """A signature of the SavedModel, asked in batches."""
    return in_batches(lambda inputs: signature(**inputs), signature.structured_outputs)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    status = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(status)  # the answers are on disk, and taking TensorFlow down takes a second: serving/process_control.py
