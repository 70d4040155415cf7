"""Warm-up records: replayed before a version answers; a bad one fails the load."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import prediction_log_pb2

from serving.server import warmup
from serving.server.errors import ServingError
from serving.server.servable import Servable
from tests.serving.server.saved_models import save_counter, save_line

Record = prediction_log_pb2.PredictionLog


def predict(signature: str = "serving_default", **inputs: object) -> Record:
    record = Record()
    request = record.predict_log.request
    request.model_spec.name = "any"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(
            value if isinstance(value, tensor_pb2.TensorProto) else tf.make_tensor_proto(value)
        )
    return record


def examples(kind: str, signature: str) -> Record:
    record = Record()
    request = getattr(record, kind).request
    request.model_spec.signature_name = signature
    request.input.example_list.examples.add().features.feature["x"].float_list.value.append(2)
    return record


def write(version: Path, *records: Record | bytes) -> None:
    path = version / warmup.RECORDS
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())


def warm_up(version: Path) -> Servable:
    servable = Servable(version)
    warmup.warm_up(servable, version)
    return servable


def test_each_record_is_run(tmp_path: Path) -> None:
    version = save_counter(tmp_path)
    step = tf.make_tensor_proto(5, dtype=tf.int64)
    write(version, predict(step=step), predict("read"), predict(step=step))
    servable = warm_up(version)
    assert servable.run(servable.signatures["read"], {}, ["count"])["count"].item() == 10


def test_no_file_and_an_empty_one_are_fine(tmp_path: Path) -> None:
    version = save_counter(tmp_path)
    warm_up(version)
    write(version)
    warm_up(version)


def test_every_kind_of_request_can_be_recorded(tmp_path: Path) -> None:
    version = save_line(tmp_path)
    multi = Record()
    for signature in ("regress_x", "classify_labels"):
        multi.multi_inference_log.request.tasks.add().model_spec.signature_name = signature
    multi.multi_inference_log.request.input.example_list.examples.add()
    write(version, examples("classify_log", "classify_labels"), examples("regress_log", "regress_x"), multi)
    warm_up(version)


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([b"\xff\xff"], "Failed to parse warmup record 1"),
        ([predict("read"), predict("nope")], "record 2: No signature was found with the name: nope"),
        ([predict(pace=1.0)], r"record 1: .*Sent extra: \{pace\}. Missing but required: \{step\}"),
        ([predict(step=1.5)], "record 1: .*to be int64 but float is provided"),
        ([Record()], "record 1: expected a Predict, Classify, Regress or MultiInference, received None"),
        ([predict("read")] * 1001, r"Number of warmup records exceeds the maximum \(1000\)"),
    ],
)
def test_a_bad_record_fails_the_load(tmp_path: Path, records: list[Record | bytes], said: str) -> None:
    version = save_counter(tmp_path)
    write(version, *records)
    with pytest.raises(ServingError, match=said) as error:
        warm_up(version)
    assert str(version) in error.value.message


def test_a_file_that_holds_no_records_fails_the_load(tmp_path: Path) -> None:
    version = save_counter(tmp_path)
    write(version)
    (version / warmup.RECORDS).write_bytes(b"this is not a TFRecord file at all")
    with pytest.raises(ServingError, match="Please verify your data is in TFRecord format"):
        warm_up(version)
