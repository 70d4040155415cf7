"""Run a task's code on a few rows: features, model, export and every signature, before a whole run is started."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils

from components.missing_rule import MissingRule
from components.signatures import PREDICTIONS, SERVING_DEFAULT, SERVING_RAW, TRANSFORM_FEATURES
from pipelines.config import TrainerConfig
from pipelines.engines.local import LocalEngine
from pipelines.modeling import trainer_entry
from pipelines.modeling.export import FeatureSpec, feature_spec
from pipelines.modeling.hyperparameters import ARTIFACT_FILE, hyperparameters_copy
from pipelines.task_check.sampled_rows import Cells, read_rows, spread
from pipelines.task_definition.task import Task
from serving.contract import SERVING_ENVIRONMENT

_ROWS = 100  # that a model is trained on and predicts
_ANALYSED = 1000  # rows that Transform sees
_STEPS = 2  # of the training
_TOLERANCE = 1e-4  # between two paths to the same prediction; SkewGate checks smaller differences


class DryRunError(ValueError):
    """A model was exported, but its signatures do not give the expected answers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """Raw rows and their transformed features."""

    analysed: int  # number of rows that Transform analysed
    raw: list[Cells]
    transformed: Mapping[str, np.ndarray]  # by name, [rows, n]
    graph: Path  # folder of the TFTransformOutput
    schema: schema_pb2.Schema


def transform_sample(task: Task, data: Path, folder: Path) -> Sample:
    """Analyse and transform up to 1,000 rows with Beam, in this process.

    Args:
        task: the task of the rows.
        data: a file or folder, as ExampleGen reads it.
        folder: to write to.

    Returns:
        Up to 100 of the rows, spread over the different labels.

    Raises:
        SourceError: There is nothing to read, or a cell is malformed.
        RowsError: The first file has no row, or rows that do not fit the contract.
    """
    schema = text_format.Parse(task.contract.read_text(), schema_pb2.Schema())
    read = read_rows(data, schema)
    raw = spread(read, _ANALYSED)
    spec = feature_spec(schema)
    instances = [{name: [] if row.get(name) is None else [row[name]] for name in spec} for row in raw]
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(spec)
    context = tft_beam.Context(temp_dir=str(folder / "tmp"), desired_batch_size=len(raw))
    with beam.Pipeline(options=PipelineOptions(list(LocalEngine().beam_args()))) as pipeline, context:
        rows = pipeline | beam.Create(instances, reshuffle=False)
        graph = (rows, metadata) | tft_beam.AnalyzeDataset(task.preprocessing_fn)
        _ = graph | tft_beam.WriteTransformFn(str(folder / "graph"))
    transform = tft.TFTransformOutput(str(folder / "graph"))
    given, kept = _transform(transform, raw, spec), raw
    if len(np.unique(given[task.label])) == 1:  # The other label is rare: search all rows that were read.
        given, kept = _transform(transform, read, spec), read
    chosen = spread(np.argsort(given[task.label][:, 0], kind="stable").tolist(), _ROWS)
    return Sample(
        analysed=len(raw),
        raw=[kept[place] for place in chosen],
        transformed={name: values[chosen] for name, values in given.items()},
        graph=folder / "graph",
        schema=schema,
    )


def _transform(transform: tft.TFTransformOutput, rows: list[Cells], spec: FeatureSpec) -> dict[str, np.ndarray]:
    parsed = tf.io.parse_example([_to_example(row, spec) for row in rows], spec)
    return {name: values.numpy() for name, values in transform.transform_features_layer()(parsed).items()}


def train_sample(task: Task, sample: Sample, folder: Path) -> Path:
    """Train for two steps with the task's run_fn, and export.

    Returns:
        Folder of the SavedModel.

    Raises:
        Exception: Any error of the task's code.
    """
    rows = folder / "rows.tfrecord.gz"
    with tf.io.TFRecordWriter(str(rows), "GZIP") as writer:
        for place in range(len(sample.raw)):
            writer.write(_transformed_example({name: values[place] for name, values in sample.transformed.items()}))
    hyperparameters = hyperparameters_copy(task, folder)
    contract = folder / "schema.pbtxt"
    io_utils.write_pbtxt_file(str(contract), sample.schema)
    settings = TrainerConfig(train_steps=_STEPS)
    (folder / "run").mkdir()
    fn_args = FnArgs(
        transform_output=str(sample.graph),
        schema_path=str(contract),
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(folder / "run"),
        train_files=[str(rows)],
        train_steps=_STEPS,
        base_model=None,
        hyperparameters=json.loads((hyperparameters / ARTIFACT_FILE).read_text()) if hyperparameters else None,
        custom_config=trainer_entry.custom_config(task.run_fn, settings),
    )
    trainer_entry.run_fn(fn_args)
    return folder / "model"


def ask_signatures(sample: Sample, model: Path) -> None:
    """Compare the answers of all signatures of the exported model on every row of the sample.

    Raises:
        DryRunError: Two signatures give different answers, an answer is not finite, or the number of answers is not the
            number of rows.
    """
    signatures = tf.saved_model.load(str(model)).signatures
    spec = feature_spec(sample.schema)
    request = feature_spec(sample.schema, SERVING_ENVIRONMENT)
    rule = MissingRule.from_schema(sample.schema)
    examples = tf.constant([_to_example(row, request) for row in sample.raw])
    plain = {
        name: tf.constant(_plain(sample.raw, name, each.dtype, rule), each.dtype) for name, each in request.items()
    }
    predictions = signatures[SERVING_DEFAULT](examples=examples)[PREDICTIONS].numpy()
    _require_numbers(predictions, len(sample.raw))
    _require_same(SERVING_RAW, predictions, signatures[SERVING_RAW](**plain)[PREDICTIONS].numpy())
    whole = tf.constant([_to_example(row, spec) for row in sample.raw])
    for name, values in signatures[TRANSFORM_FEATURES](examples=whole).items():
        _require_same(f"{TRANSFORM_FEATURES}, feature {name}", sample.transformed[name], values.numpy())


def _require_numbers(predictions: np.ndarray, rows: int) -> None:
    if predictions.ndim != 2 or len(predictions) != rows:
        raise DryRunError(
            f"{SERVING_DEFAULT}: expected [{rows}, outputs] for {rows} rows, received {list(predictions.shape)}; "
            "correct the shape of the model's output"
        )
    if broken := int((~np.isfinite(predictions)).any(axis=1).sum()):
        raise DryRunError(
            f"{SERVING_DEFAULT}: expected finite predictions, received NaN or infinity for {broken} of {rows} rows; "
            "look for divisions by 0 and for features without a default"
        )


def _require_same(what: str, expected: np.ndarray, received: np.ndarray) -> None:
    if expected.dtype.kind != "f":
        same = np.array_equal(expected, received)
    else:
        same = expected.shape == received.shape and np.allclose(expected, received, _TOLERANCE, _TOLERANCE, True)
    if not same:
        raise DryRunError(
            f"{what}: expected the same values as from the other path for the same rows, received different ones: the "
            "graph depends on the batch, on chance, or on how a value arrives"
        )


def _to_example(row: Cells, spec: Mapping[str, object]) -> bytes:
    return _example({name: [] if row.get(name) is None else [row[name]] for name in spec})


def _transformed_example(row: Mapping[str, np.ndarray]) -> bytes:
    return _example({name: values.tolist() for name, values in row.items()})


def _example(row: Mapping[str, list]) -> bytes:
    """Serialize a row; features without a value are left out."""
    features = {name: _feature(values) for name, values in row.items() if values}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _feature(values: list) -> tf.train.Feature:
    if isinstance(values[0], bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def _plain(rows: list[Cells], name: str, dtype: tf.DType, rule: MissingRule) -> list:
    """Return a column as plain JSON values, with missing values spelled out."""
    return [rule.value_for(dtype) if row.get(name) is None else row[name] for row in rows]
