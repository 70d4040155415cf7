"""Run TFX's Transform executor with a column of row keys that passes through TensorFlow Transform.

`passthrough_keys` of tft_beam.Context names columns that preprocessing_fn does not get and that are written with its
outputs. TFX has a method for them in `TransformProcessor`, which its executor creates itself, so that name is replaced
while the executor runs. If TFX stopped using it, rows would have no keys, and SkewGate would fail.
"""

from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.transform import executor
from tfx.proto import example_gen_pb2

from components.keyed_transform.block_sink import BlockSink, EncodeBlocks
from components.keyed_transform.keyed_examples import KeyedExamples
from components.replaced_name import replace_name
from components.row_keys import ROW_KEY

_FILE_FORMAT = "tfrecords_gzip"


class Executor(executor.Executor):
    """Executor of Transform that adds row keys."""

    def Do(  # noqa: N802, TFX names it
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Run TFX's executor with row keys; Examples that are not gzipped TFRecords of tf.Examples raise ValueError."""
        with replace_name(executor, "TransformProcessor", _KeyedProcessor):
            super().Do(input_dict, output_dict, exec_properties)


@beam.ptransform_fn
def _write_blocks(
    batches: beam.PCollection, schema: schema_pb2.Schema, file_format: str, output_path: str
) -> beam.PCollection:
    """Encode and write batches; the arguments are those of TFX's own transform. `file_format` is not used."""
    return batches | "Encode" >> beam.ParDo(EncodeBlocks(schema)) | "Write" >> beam.io.Write(BlockSink(output_path))


class _KeyedProcessor(executor.TransformProcessor):
    _EncodeAndWrite = staticmethod(_write_blocks)

    @staticmethod
    def _GetTFXIOPassthroughKeys() -> set[str] | None:  # noqa: N802, TFX names it
        return {ROW_KEY}

    def _CreateTFXIO(self, dataset: Any, schema: schema_pb2.Schema) -> KeyedExamples:  # noqa: N802, TFX names it
        payload = example_gen_pb2.PayloadFormat.Name(dataset.data_format)
        if (payload, dataset.file_format) != ("FORMAT_TF_EXAMPLE", _FILE_FORMAT):
            raise ValueError(
                f"{dataset.file_pattern}: expected {_FILE_FORMAT} of FORMAT_TF_EXAMPLE, received "
                f"{dataset.file_format} of {payload}; write Examples as CheckedExampleGen does."
            )
        return KeyedExamples(dataset.file_pattern, schema)
