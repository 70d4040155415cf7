"""A hundred hand-made trips, with a contract, features, a model and its export: small and whole.

Every kind of raw feature is there (float, integer and string; required and optional, with missing values), and every
kind of transformed one: scaled, filled, bucketised, an id in a vocabulary, a flag, a string as it came.
"""

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path

import apache_beam as beam
import keras
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from components.row_keys import ROW_KEY, make_row_keys
from pipelines.engines.local import LocalEngine
from pipelines.modeling.export import feature_spec

LABEL = "big_tip"
OPTIONAL = ("miles", "seconds", "company")
Row = dict[str, float | int | str | None]  # None: missing

CONTRACT = text_format.Parse(
    """
    default_environment: "TRAINING"
    default_environment: "SERVING"
    annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
    feature { name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } }
    feature { name: "hour" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      int_domain { min: 0 max: 23 } }
    feature { name: "payment" type: BYTES presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      string_domain { name: "payment" value: "Cash" value: "Card" value: "Other" } }
    feature { name: "miles" type: FLOAT presence { min_count: 1 } value_count { min: 1 max: 1 }
      float_domain { min: 0 max: 100 } }
    feature { name: "seconds" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature { name: "company" type: BYTES presence { min_count: 1 } value_count { min: 1 max: 1 } }
    feature { name: "tips" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      not_in_environment: "SERVING" }
    """,
    schema_pb2.Schema(),
)

ROWS: list[Row] = [
    {
        "fare": 3.25 + 0.75 * (i * 37 % 100),
        "hour": i % 24,
        "payment": ("Cash", "Card", "Cash", "Other", "Cash", "Card")[i % 6],
        "miles": None if i % 7 == 3 else 0.1 * (i * 13 % 90),
        "seconds": None if i % 11 == 5 else 60 * (i * 29 % 50),
        "company": None if i % 3 == 1 else f"company {i * i % 8}",
        "tips": 0.0 if i % 4 else 2.0 + i % 9,
    }
    for i in range(100)
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Features:
    """A preprocessing_fn whose choices can be changed one by one."""

    miles_default: float = -1.0
    keeps_missing_flag: bool = True
    hour_edges: tuple[float, ...] = (6.0, 12.0, 18.0)
    tip_share: float = 0.2

    def __call__(self, inputs: dict[str, tf.Tensor | tf.SparseTensor]) -> dict[str, tf.Tensor]:
        """Raw tensors, dense or sparse -> transformed tensors [batch, 1]."""
        miles, known = filled(inputs["miles"], self.miles_default), filled(inputs["miles"], -1.0) >= 0
        missing = tf.cast(~known if self.keeps_missing_flag else tf.zeros_like(known), tf.int64)
        company = filled(inputs["company"], "(missing)")
        outputs = {
            "fare": tft.scale_to_z_score(inputs["fare"]),
            "miles": tft.scale_to_z_score(miles),
            "miles_missing": missing,
            "hour": tft.apply_buckets(inputs["hour"], tf.constant([self.hour_edges])),
            "seconds": filled(inputs["seconds"], 0),
            "payment": tft.compute_and_apply_vocabulary(inputs["payment"], num_oov_buckets=1, vocab_filename="payment"),
            "company": tft.compute_and_apply_vocabulary(company, num_oov_buckets=1, vocab_filename="company"),
            "company_name": company,
        }
        if "tips" in inputs:
            outputs[LABEL] = tf.cast(inputs["tips"] > self.tip_share * inputs["fare"], tf.int64)
        return outputs


def filled(values: tf.SparseTensor, default: float | str) -> tf.Tensor:
    """Sparse [batch, up to 1] -> dense [batch, 1]."""
    sparse = tf.SparseTensor(values.indices, values.values, [values.dense_shape[0], 1])
    return tf.sparse.to_dense(sparse, default_value=default)


def build_model(seed: int = 1, *, looks_at_batch: bool = False) -> keras.Model:
    """Untrained; dict of features [batch, 1] -> float32 [batch, 1]."""
    keras.utils.set_random_seed(seed)
    numbers = {name: keras.Input((1,), name=name) for name in ("fare", "miles")}
    ids = {
        name: keras.Input((1,), name=name, dtype="int64") for name in ("miles_missing", "hour", "payment", "company")
    }
    one_hot = [keras.layers.CategoryEncoding(10, output_mode="one_hot")(tensor) for tensor in ids.values()]
    hidden = keras.layers.Dense(8, activation="relu", name="hidden")(
        keras.layers.concatenate([*numbers.values(), *one_hot])
    )
    if looks_at_batch:
        hidden = hidden - keras.ops.mean(hidden, axis=0, keepdims=True)
    probability = keras.layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(hidden)
    return keras.Model(numbers | ids, probability)


def to_example(row: dict[str, object]) -> bytes:
    """A row as serialized tf.Example; missing values have no feature. Floats, integers, strings; alone or in lists."""
    features = {}
    for name, cell in row.items():
        values = [item.encode() if isinstance(item, str) else item for item in _listed(cell)]
        if values and isinstance(values[0], bytes):
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif values and isinstance(values[0], float):
            features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        elif values:
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def write_records(path: Path, records: Iterable[bytes]) -> str:
    """Writes a gzipped TFRecord file, and returns its path."""
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for record in records:
            writer.write(record)
    return str(path)


def read_records(path: str) -> list[bytes]:
    """What write_records wrote."""
    return list(tf.data.TFRecordDataset(path, compression_type="GZIP").as_numpy_iterator())


def transform(directory: Path, features: Callable[..., object], rows: list[Row] = ROWS) -> tuple[str, str]:
    """Analyses and transforms rows with Beam, as Transform does.

    Returns:
        The folder of the transform graph, and the gzipped TFRecord file of the transformed rows.
    """
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(feature_spec(CONTRACT))
    graph, examples = directory / "graph", directory / "transformed-00000-of-00001.gz"
    cells = [{name: _listed(cell) for name, cell in row.items()} for row in rows]
    options = PipelineOptions(list(LocalEngine().beam_args()))
    # One batch: Beam would choose sizes by its clock, and the moments would differ in their last bits from run to run.
    context = tft_beam.Context(temp_dir=str(directory / "beam"), desired_batch_size=len(rows))
    with beam.Pipeline(options=options) as pipeline, context:
        source = pipeline | beam.Create(cells, reshuffle=False)
        (transformed, _), transform_fn = (source, metadata) | tft_beam.AnalyzeAndTransformDataset(features)
        transform_fn | "graph" >> tft_beam.WriteTransformFn(str(graph))
        (
            transformed
            | beam.Map(lambda row: to_example({name: values.tolist() for name, values in row.items()}))
            | beam.io.WriteToTFRecord(str(examples), shard_name_template="")
        )
    keys = make_row_keys(map(to_example, rows))
    transformed = [add_row_key(record, key) for record, key in zip(read_records(str(examples)), keys, strict=True)]
    return str(graph), write_records(examples, transformed)


def add_row_key(record: bytes, key: int) -> bytes:
    """A transformed row with a key, as our Transform writes it."""
    example = tf.train.Example.FromString(record)
    example.features.feature[ROW_KEY].int64_list.value.append(key)
    return example.SerializeToString(deterministic=True)


def fn_args(directory: Path, graph: str, **more: object) -> FnArgs:
    """What Trainer would hand to run_fn."""
    contract = directory / "contract" / "schema.pbtxt"
    contract.parent.mkdir(parents=True, exist_ok=True)
    io_utils.write_pbtxt_file(str(contract), CONTRACT)
    run = directory / "run"
    run.mkdir(exist_ok=True)
    return FnArgs(
        transform_output=graph,
        schema_path=str(contract),
        serving_model_dir=str(directory / "serving"),
        model_run_dir=str(run),
        **more,
    )


def _listed(cell: object) -> list[object]:
    return [] if cell is None else cell if isinstance(cell, list) else [cell]
