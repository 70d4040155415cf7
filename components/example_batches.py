"""Read gzipped TFRecords of tf.Examples in Beam as Arrow RecordBatches, a few thousand rows at a time.

Beam's own TFRecord source emits single records, which takes 20 times as long as reading a file in chunks. Its batches
depend on the bundles that an engine makes; these depend only on the files.
"""

from collections.abc import Callable, Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx_bsl.coders import example_coder

from components.read_ahead import map_ahead
from components.tfrecords import read_chunks

MakeColumn = Callable[[list[bytes]], pa.Array]  # serialized records -> a large_list of one value for each

_FILE_FORMAT = "tfrecords_gzip"  # the format that our ExampleGen and SpanExamples write


def can_read(examples: types.Artifact) -> bool:
    """Return whether `read_batches` can read the files of these Examples; TFX's own readers read all others."""
    of_examples = examples_utils.get_payload_format(examples) == example_gen_pb2.FORMAT_TF_EXAMPLE
    return of_examples and examples_utils.get_file_format(examples) == _FILE_FORMAT


def read_batches(
    pattern: str, schema: schema_pb2.Schema | None, more_columns: Mapping[str, MakeColumn] | None = None
) -> beam.PTransform:
    """Return a transform that reads the files of a split; each file is one element, so workers share the files.

    Args:
        pattern: glob pattern of the files.
        schema: schema of the rows; None: each batch has the columns that occur in its rows.
        more_columns: functions that make further columns, by name of the column. They must be importable, since Beam
            pickles them. Their columns follow those of the rows.

    Returns:
        A transform from a pipeline to a PCollection of RecordBatches.

    Raises:
        ValueError: No file matches `pattern`.
    """
    files = sorted(tf.io.gfile.glob(pattern))
    if not files:
        raise ValueError(f"no rows in {pattern}: expected the files of a split, received none; run ExampleGen again.")
    decode = _DecodeFile(None if schema is None else schema.SerializeToString(), dict(more_columns or {}))
    return beam.Create(files) | beam.Reshuffle() | beam.ParDo(decode)


@beam.typehints.with_input_types(str)
@beam.typehints.with_output_types(pa.RecordBatch)
class _DecodeFile(beam.DoFn):
    """Decodes the tf.Examples of a file in threads, while the caller works on the batch before."""

    def __init__(self, schema: bytes | None, more_columns: dict[str, MakeColumn]):
        self._schema = schema
        self._more_columns = more_columns

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        def decode(chunk: np.ndarray) -> pa.RecordBatch:
            # One decoder per batch: with a schema it keeps the columns it builds, so threads may not share it.
            decoder = example_coder.ExamplesToRecordBatchDecoder(*([] if self._schema is None else [self._schema]))
            records = chunk.tolist()
            batch = decoder.DecodeBatch(records)
            return pa.RecordBatch.from_arrays(
                [*batch.columns, *(make(records) for make in self._more_columns.values())],
                [*batch.schema.names, *self._more_columns],
            )

        yield from map_ahead(decode, read_chunks([path]))
