"""Read Examples as Arrow RecordBatches of a few thousand rows."""

from collections.abc import Sequence

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.util import tfxio_utils
from tfx.types import artifact_utils
from tfx.utils import io_utils
from tfx_bsl.tfxio.record_based_tfxio import CreateRawRecordColumn
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig

from components import example_batches, tfrecords


def read_batches(
    pipeline: beam.Pipeline, examples: list[types.Artifact], splits: Sequence[str], schema: schema_pb2.Schema | None
) -> tuple[beam.PCollection, TensorAdapterConfig | None]:
    """Read the rows of some splits, with the serialized records in an additional column, as TFMA expects them.

    Args:
        pipeline: to which the reading is added.
        examples: Examples artifacts.
        splits: names.
        schema: of the rows, if there is one.

    Returns:
        RecordBatches, and the configuration with which TFMA makes tensors of them; None without a schema.

    Raises:
        ValueError: A split has no files.
    """
    make_tfxio = tfxio_utils.get_tfxio_factory_from_artifact(
        examples=examples,
        telemetry_descriptors=["Evaluator"],
        schema=schema,
        raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
    )
    chunked = all(map(example_batches.can_read, examples))
    parts, adapter = [], None
    for split in splits:
        for number, uri in enumerate(artifact_utils.get_split_uris(examples, split)):
            pattern = io_utils.all_files_pattern(uri)
            source = make_tfxio(pattern)
            if chunked:
                more = {tfma.ARROW_INPUT_COLUMN: CreateRawRecordColumn}
                read = example_batches.read_batches(pattern, schema, more)
            else:
                read = source.BeamSource(tfrecords.CHUNK_ROWS)
            parts.append(pipeline | f"Read[{split}][{number}]" >> read)
            if schema is not None:
                adapter = TensorAdapterConfig(
                    arrow_schema=source.ArrowSchema(), tensor_representations=source.TensorRepresentations()
                )
    return parts | "Flatten" >> beam.Flatten(), adapter
