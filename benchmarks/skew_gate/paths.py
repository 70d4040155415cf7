"""Make the paths that SkewGate compares from made-up rows: Transform's rows, an exported model and its outputs."""

from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder

from benchmarks.skew_gate.rows import CONTRACT, Row
from components.keyed_transform.keyed_examples import KeyedExamples
from components.missing_rule import MissingRule
from components.row_keys import ROW_KEY
from components.skew_gate import model_probe
from components.skew_gate.bitwise import Arrays
from components.skew_gate.component import BATCH_SIZES
from components.skew_gate.probe_process import missing_values
from components.tfrecords import read_chunks
from pipelines.engines.local import LocalEngine
from pipelines.modeling import export

MISSING = MissingRule.from_schema(CONTRACT)


def write_rows(path: Path, rows: list[Row]) -> str:
    """Write rows as a gzipped TFRecord file of tf.Examples, and return its path."""
    with tf.io.TFRecordWriter(str(path), options="GZIP") as writer:
        for row in rows:
            writer.write(_to_example(row))
    return str(path)


def transform(folder: Path, raw: str, preprocessing_fn: Callable[..., object]) -> tuple[str, str]:
    """Run Transform's Beam code; return the folder of its graph and the file of transformed rows."""
    rows = KeyedExamples(raw, CONTRACT)
    graph, transformed = str(folder / "graph"), str(folder / "transformed.gz")
    options = PipelineOptions(list(LocalEngine().beam_args()))
    context = tft_beam.Context(temp_dir=str(folder / "beam"), passthrough_keys={ROW_KEY})
    with beam.Pipeline(options=options) as pipeline, context:
        source = (pipeline | rows.BeamSource(), rows.TensorAdapterConfig())
        analyze = tft_beam.AnalyzeAndTransformDataset(preprocessing_fn, output_record_batches=True)
        (batches, metadata), transform_fn = source | analyze
        transform_fn | tft_beam.WriteTransformFn(graph)
        encoder = example_coder.RecordBatchToExamplesEncoder(metadata.schema)
        (
            batches
            | beam.FlatMapTuple(lambda batch, _: encoder.encode(batch))
            | beam.io.WriteToTFRecord(transformed, shard_name_template="")
        )
    return graph, transformed


def export_model(folder: Path, graph: str, model: keras.Model) -> str:
    """Export a model behind a Transform graph as the Trainer does, and return its folder."""
    schema, run = folder / "schema.pbtxt", folder / "run"
    run.mkdir()
    io_utils.write_pbtxt_file(str(schema), CONTRACT)
    serving = str(folder / "serving")
    arguments = {"serving_model_dir": serving, "model_run_dir": str(run)}
    export.export_model(model, FnArgs(transform_output=graph, schema_path=str(schema), **arguments))
    return serving


def predict(model_dir: str, raw: str) -> Arrays:
    """Run the probe's work in this process: the exported model's outputs for all rows, in one chunk."""
    with tf.device("CPU:0"):
        probe = model_probe.load_predictor(model_dir, missing=missing_values(MISSING))
        return probe(raw_rows(raw), BATCH_SIZES, filled=max(BATCH_SIZES))


def _to_example(row: Row) -> bytes:
    features = {name: _to_feature(cell) for name, cell in row.items() if cell is not None}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def _to_feature(cell: float | int | str) -> tf.train.Feature:
    if isinstance(cell, str):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[cell.encode()]))
    if isinstance(cell, float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[cell]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[cell]))


def raw_rows(raw: str) -> np.ndarray:
    """Read the serialized rows, which are one chunk."""
    return next(read_chunks([raw]))
