"""Reads Examples as Arrow RecordBatches, a few thousand rows at a time.

Beam's own source of TFRecords hands on one record at a time, which takes 20 times as long as reading a file in chunks.
"""

from collections.abc import Iterator, Sequence

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.util import examples_utils, tfxio_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import record_based_tfxio
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig

from components import tfrecords

_CHUNKED_FORMAT = "tfrecords_gzip"  # what ExampleGen writes; all others go through TFXIO


def read_batches(
    pipeline: beam.Pipeline, examples: list[types.Artifact], splits: Sequence[str], schema: schema_pb2.Schema | None
) -> tuple[beam.PCollection, TensorAdapterConfig | None]:
    """Reads the rows of the splits, with the serialized records as one more column, as TFMA expects them.

    Returns:
        RecordBatches, and how TFMA makes tensors of them; None without a schema.

    Raises:
        ValueError: A split has no files.
    """
    make_tfxio = tfxio_utils.get_tfxio_factory_from_artifact(
        examples=examples,
        telemetry_descriptors=["Evaluator"],
        schema=schema,
        raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
    )
    chunked = all(_is_chunked(artifact) for artifact in examples)
    parts, adapter = [], None
    for split in splits:
        for number, uri in enumerate(artifact_utils.get_split_uris(examples, split)):
            source = make_tfxio(io_utils.all_files_pattern(uri))
            read = _read_chunks(uri, schema) if chunked else source.BeamSource(tfrecords.CHUNK_ROWS)
            parts.append(pipeline | f"Read[{split}][{number}]" >> read)
            if schema is not None:
                adapter = TensorAdapterConfig(
                    arrow_schema=source.ArrowSchema(), tensor_representations=source.TensorRepresentations()
                )
    return parts | "Flatten" >> beam.Flatten(), adapter


def _is_chunked(examples: types.Artifact) -> bool:
    of_examples = examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    return of_examples and examples_utils.get_file_format(examples) == _CHUNKED_FORMAT


def _read_chunks(uri: str, schema: schema_pb2.Schema | None) -> beam.PTransform:
    files = sorted(tf.io.gfile.glob(io_utils.all_files_pattern(uri)))
    if not files:
        raise ValueError(f"no rows in {uri}: expected the files of a split, received none; run ExampleGen again.")
    return (
        beam.Create(files)
        | beam.Reshuffle()
        | beam.ParDo(_DecodeFile(None if schema is None else schema.SerializeToString()))
    )


class _DecodeFile(beam.DoFn):
    """Decodes the tf.Examples of a file."""

    def __init__(self, schema: bytes | None):
        self._schema = schema

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        decoder = example_coder.ExamplesToRecordBatchDecoder(*([] if self._schema is None else [self._schema]))
        for chunk in tfrecords.read_chunks([path]):
            records = chunk.tolist()
            yield record_based_tfxio.AppendRawRecordColumn(
                decoder.DecodeBatch(records), tfma.ARROW_INPUT_COLUMN, records
            )
