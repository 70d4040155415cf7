"""Small SavedModels for the tests of the server: each `save_…` writes one below a base folder, as one version.

They are written as graphs with hand-made signatures: that takes milliseconds, and it gives every kind of signature,
also those for classification and regression, which tf.saved_model.save cannot write.
"""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

v1 = tf.compat.v1
Signatures = dict[str, meta_graph_pb2.SignatureDef]


def save_line(base: Path, version: int = 1, slope: float = 3.0, offset: float = 0.5) -> Path:
    """y = slope · x + offset, for x of any shape.

    Signatures: `serving_default` (x float → y); and, on tf.Examples with a float feature x (0 when absent), `regress_x`
    (outputs y), `classify_scores` (scores y and y + 1, no classes), `classify_labels` (the same scores, classes "low"
    and "high") and `predict_x`, a predict signature on the same Examples.
    """

    def graph() -> Signatures:
        x = v1.placeholder(tf.float32, shape=None)
        y = tf.identity(slope * x + offset)
        examples = v1.placeholder(tf.string, shape=[None])
        parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32, default_value=[0.0])})
        outputs = slope * parsed["x"] + offset  # [batch, 1]
        scores = tf.concat([outputs, outputs + 1.0], axis=1)
        classes = tf.tile([["low", "high"]], [tf.shape(examples)[0], 1])
        return {
            "serving_default": predict_signature({"x": x}, {"y": y}),
            "predict_x": predict_signature({"examples": examples}, {"y": outputs}),
            "regress_x": v1.saved_model.regression_signature_def(examples, outputs),
            "classify_scores": v1.saved_model.classification_signature_def(examples, None, scores),
            "classify_labels": v1.saved_model.classification_signature_def(examples, classes, scores),
        }

    return _save(base, version, graph)


def save_echo(base: Path, dtype: tf.DType, version: int = 1) -> Path:
    """Gives back its one input, `value`, of any shape, as `same`."""

    def graph() -> Signatures:
        value = v1.placeholder(dtype, shape=None)
        return {"serving_default": predict_signature({"value": value}, {"same": tf.identity(value)})}

    return _save(base, version, graph)


def save_pair(base: Path, version: int = 1) -> Path:
    """Gives back its two inputs, of any shapes.

    Signatures: `serving_default` (number int32, word string → number, word, word_bytes) and `sums` (the same inputs →
    total, the sum of all numbers, a scalar).
    """

    def graph() -> Signatures:
        number = v1.placeholder(tf.int32, shape=None)
        word = v1.placeholder(tf.string, shape=None)
        inputs = {"number": number, "word": word}
        same = {"number": tf.identity(number), "word": tf.identity(word), "word_bytes": tf.identity(word)}
        return {
            "serving_default": predict_signature(inputs, same),
            "sums": predict_signature(inputs, {"total": tf.reduce_sum(number)}),
        }

    return _save(base, version, graph)


def save_counter(base: Path, version: int = 1) -> Path:
    """A count that lasts as long as the version is loaded.

    Signatures: `serving_default` (step int64, a scalar → count, after the step) and `read` (no inputs → count).
    """

    def graph() -> Signatures:
        step = v1.placeholder(tf.int64, shape=[])
        count = v1.get_variable(
            "count", shape=[], dtype=tf.int64, initializer=v1.zeros_initializer(), use_resource=True
        )
        with tf.control_dependencies([count.assign_add(step, read_value=False)]):
            counted = count.read_value()
        return {
            "serving_default": predict_signature({"step": step}, {"count": counted}),
            "read": predict_signature({}, {"count": count.read_value()}),
        }

    return _save(base, version, graph)


def save_waiting(base: Path, gate: Path, version: int = 1) -> Path:
    """Gives back x (float, any shape) as y, not before the file `gate` exists: a request that lasts as a test likes."""

    def graph() -> Signatures:
        x = v1.placeholder(tf.float32, shape=None)

        # Fed, and read anew in each round: TensorFlow would look for a constant once, before the first.
        path = v1.placeholder_with_default(str(gate), shape=[])

        def shut(rounds: tf.Tensor) -> tf.Tensor:
            nothing = tf.strings.substr(tf.strings.as_string(rounds), 0, 0)
            return tf.equal(tf.size(tf.io.matching_files(tf.strings.join([path, nothing]))), 0)

        rounds = tf.while_loop(shut, lambda rounds: rounds + 1, [tf.constant(0, tf.int64)])
        with tf.control_dependencies(rounds if isinstance(rounds, list) else [rounds]):
            y = tf.identity(x)
        return {"serving_default": predict_signature({"x": x}, {"y": y})}

    return _save(base, version, graph)


def save_failing(base: Path, version: int = 1) -> Path:
    """Fails when it runs.

    Signatures: `serving_default` (x float → y, the square root of x; INVALID_ARGUMENT "x must not be negative" where it
    is) and `lost` (path string, a scalar → y, the first TFRecord of that file; DATA_LOSS where it is broken).
    """

    def graph() -> Signatures:
        x = v1.placeholder(tf.float32, shape=None)
        with tf.control_dependencies([v1.assert_non_negative(x, message="x must not be negative")]):
            y = tf.sqrt(x)
        path = v1.placeholder(tf.string, shape=[])
        reader = tf.raw_ops.TFRecordReaderV2()
        queue = tf.raw_ops.FIFOQueueV2(component_types=[tf.string])
        with tf.control_dependencies([tf.raw_ops.QueueEnqueueV2(handle=queue, components=[path])]):
            record = tf.raw_ops.ReaderReadV2(reader_handle=reader, queue_handle=queue)
        return {
            "serving_default": predict_signature({"x": x}, {"y": y}),
            "lost": predict_signature({"path": path}, {"y": record.value}),
        }

    return _save(base, version, graph)


def save_features(base: Path, version: int = 1) -> Path:
    """Shows how tf.Examples were read: the classes are four of their features as text, with "|" between values.

    Signatures: `serving_default` and `also`, both for classification (classes: names string, ratings float, counts
    int64, query string; scores 0).
    """

    def graph() -> Signatures:
        kinds = {"names": tf.string, "ratings": tf.float32, "counts": tf.int64, "query": tf.string}
        examples = v1.placeholder(tf.string, shape=[None])
        parsed = tf.io.parse_example(examples, {name: tf.io.RaggedFeature(kind) for name, kind in kinds.items()})
        texts = [_joined(parsed[name]) for name in kinds]
        classes = tf.stack(texts, axis=1)
        scores = tf.zeros(tf.shape(classes))
        signature = v1.saved_model.classification_signature_def(examples, classes, scores)
        return {"serving_default": signature, "also": signature}

    return _save(base, version, graph)


def _joined(values: tf.RaggedTensor) -> tf.Tensor:
    """Each row's values as text, [batch]."""
    flat = values.flat_values
    if flat.dtype != tf.string:
        flat = tf.strings.as_string(flat, shortest=flat.dtype == tf.float32)
    return tf.strings.reduce_join(values.with_flat_values(flat), axis=-1, separator="|")


def save_answers(base: Path, version: int = 1) -> Path:
    """Gives constants, whatever x (float, any shape) is.

    Signatures: `bytes` (words_bytes, string [2, 2]), `floats` (float32 [2, 2], none but one finite), `nothing` (no
    output), `complex` (complex64 [2]), `scalar` (int32), `named` (five outputs of 2 rows), `uneven` (int32 [2, 3] and
    string [1, 3]), `no_rows` (string [0, 1, 2] and float32 [0, 3, 4]).
    """

    def graph() -> Signatures:
        x = v1.placeholder(tf.float32, shape=None)
        words = tf.constant([["Taxi", "Trip"], ["Fare", "Toll"]])
        numbers = tf.reshape(tf.range(12), [2, 3, 2])
        answers: dict[str, dict[str, tf.Tensor]] = {
            "bytes": {"words_bytes": tf.constant([[b"Taxi", b"Trip"], [b"\xff", b""]])},
            "floats": {"y": tf.constant([[float("nan"), float("inf")], [7.0, float("-inf")]])},
            "nothing": {},
            "complex": {"y": tf.constant([8 + 1j, 7 - 2j], tf.complex64)},
            "scalar": {"y": tf.constant(8)},
            "named": {
                "double": tf.constant([0.731, -8.0], tf.float64),
                "float": tf.constant([[2.5], [0.0]]),
                "int": numbers,
                "text": words,
                "text_bytes": tf.identity(words),
            },
            "uneven": {"int": tf.zeros([2, 3], tf.int32), "text": tf.fill([1, 3], "")},
            "no_rows": {"float": tf.zeros([0, 3, 4]), "text": tf.fill([0, 1, 2], "")},
        }
        return {name: predict_signature({"x": x}, outputs) for name, outputs in answers.items()}

    return _save(base, version, graph)


def predict_signature(inputs: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]) -> meta_graph_pb2.SignatureDef:
    """A signature for Predict; unlike TensorFlow's own helper it may have no inputs."""
    return v1.saved_model.build_signature_def(
        inputs={name: v1.saved_model.build_tensor_info(tensor) for name, tensor in inputs.items()},
        outputs={name: v1.saved_model.build_tensor_info(tensor) for name, tensor in outputs.items()},
        method_name=v1.saved_model.signature_constants.PREDICT_METHOD_NAME,
    )


def _save(base: Path, version: int, graph: Callable[[], Signatures]) -> Path:
    """Writes the signatures that `graph` makes; returns the version's folder."""
    folder = base / str(version)
    with tf.Graph().as_default(), v1.Session() as session:
        signatures = graph()
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.builder.SavedModelBuilder(str(folder))
        builder.add_meta_graph_and_variables(session, [tf.saved_model.SERVING], signature_def_map=signatures)
        builder.save()
    return folder
