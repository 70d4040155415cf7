"""Warm-up requests: what is in them, and that a model server replays them."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import prediction_log_pb2

from components.candidate_serving import warmup_records
from components.candidate_serving.transports import RequestBatch
from components.pusher.executor import add_warmup_records
from components.pusher.versions import push
from components.signatures import input_specs
from components.skew_gate import model_probe
from serving.server import warmup
from serving.server.errors import ServingError
from serving.server.servable import Servable
from tests import handmade

MISSING = {"number": -(2**53), "string": ""}
SPECS = {
    "fare": tf.TensorSpec([None], tf.float32),
    "miles": tf.TensorSpec([None], tf.float32),
    "seconds": tf.TensorSpec([None], tf.int64),
    "company": tf.TensorSpec([None], tf.string),
}


def rows(count: int, specs: Mapping[str, tf.TensorSpec] = SPECS) -> RequestBatch:
    serialized = np.array([handmade.to_example(row) for row in handmade.ROWS[:count]], dtype=object)
    columns = model_probe.build_request_columns(serialized, dict(specs), MISSING)
    return RequestBatch(examples=serialized, columns={name: values.numpy() for name, values in columns.items()})


def read(path: Path) -> list[prediction_log_pb2.PredictionLog]:
    return [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]


def test_one_request_for_each_signature_and_batch_size(tmp_path: Path) -> None:
    path = tmp_path / "records"
    warmup_records.write(path, rows(5), [8, 1, 3, 8])
    requests = [record.predict_log.request for record in read(path)]
    shapes = [
        (request.model_spec.signature_name, {tf.make_ndarray(tensor).shape for tensor in request.inputs.values()})
        for request in requests
    ]
    assert shapes == [(signature, {(size,)}) for size in (1, 3, 8) for signature in ("serving_default", "serving_raw")]
    assert {request.model_spec.name for request in requests} == {""}


def test_the_rows_are_real_and_the_label_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "records"
    warmup_records.write(path, rows(5), [8])
    examples, columns = (record.predict_log.request.inputs for record in read(path))
    parsed = [tf.train.Example.FromString(record).features.feature for record in tf.make_ndarray(examples["examples"])]
    expected = [handmade.ROWS[i % 5] for i in range(8)]
    assert [set(row) for row in parsed] == [{name for name in SPECS if row[name] is not None} for row in expected]
    fares = [row["fare"] for row in expected]
    assert [row["fare"].float_list.value[0] for row in parsed] == fares
    assert tf.make_ndarray(columns["fare"]).tolist() == fares
    assert tf.make_ndarray(columns["company"]).tolist() == [(row["company"] or "").encode() for row in expected]
    assert tf.make_ndarray(columns["miles"]).tolist() == [
        np.float32(-(2**53) if row["miles"] is None else row["miles"]) for row in expected
    ]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    warmup_records.write(one, rows(9), [1, 8])
    reordered = rows(9)
    columns = dict(reversed(reordered.columns.items()))
    warmup_records.write(other, RequestBatch(examples=reordered.examples, columns=columns), [8, 1])
    assert one.read_bytes() == other.read_bytes()


def test_no_rows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot write warm-up requests: expected at least one row, received none"):
        warmup_records.write(tmp_path / "records", rows(1)[:0], [1])


class Recording(Servable):
    """A servable that remembers what it was asked: the outputs and the rows."""

    asked: list[tuple[set[str], int]]

    def run(
        self, signature: meta_graph_pb2.SignatureDef, inputs: Mapping[str, np.ndarray], outputs: Sequence[str]
    ) -> dict[str, np.ndarray]:
        self.__dict__.setdefault("asked", []).append((set(inputs), len(next(iter(inputs.values())))))
        return super().run(signature, inputs, outputs)


@pytest.fixture
def pushed(handmade_export: Path, tmp_path: Path) -> Path:
    """A pushed version of the hand-made model, with the records that SkewGate would leave."""
    blessing, model = tmp_path / "blessing", tmp_path / "model"
    blessing.mkdir()
    warmup_records.write(
        blessing / warmup_records.FILE, rows(20, input_specs(handmade_export, "serving_raw")), [1, 8, 64]
    )
    shutil.copytree(handmade_export, model)
    add_warmup_records(blessing, model)
    return push(model, tmp_path / "serving")


@pytest.mark.pipeline
def test_a_server_replays_them_before_it_answers(pushed: Path) -> None:
    servable = Recording(pushed)
    warmup.warm_up(servable, pushed)
    assert servable.asked == [
        (inputs, size)
        for size in (1, 8, 64)
        for inputs in ({"examples"}, {"fare", "hour", "payment", "miles", "seconds", "company"})
    ]


@pytest.mark.pipeline
def test_a_server_refuses_a_version_whose_records_were_damaged(pushed: Path) -> None:
    records = warmup_records.path_in(pushed)
    content = bytearray(records.read_bytes())
    content[len(content) // 2] ^= 1
    records.write_bytes(content)
    with pytest.raises(ServingError, match="corrupted record"):
        warmup.warm_up(Servable(pushed), pushed)
