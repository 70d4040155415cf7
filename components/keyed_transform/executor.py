"""Executor of KeyedTransform: TFX's own, with a column that passes through TensorFlow Transform.

`passthrough_keys` of tft_beam.Context names columns that preprocessing_fn does not see, and that stand beside its
outputs in what is written. TFX has a method for them, in a class that its executor makes by itself, so that class is
replaced while the executor runs. Were it not used any more, rows would have no keys, and SkewGate would say so.
"""

from typing import Any

import apache_beam as beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.transform import executor
from tfx.proto import example_gen_pb2

from components.keyed_transform.block_sink import BlockSink, EncodeBlocks
from components.keyed_transform.keyed_examples import KeyedExamples
from components.row_keys import ROW_KEY

_FILE_FORMAT = "tfrecords_gzip"


class Executor(executor.Executor):
    """Runs Transform with keys."""

    def Do(  # noqa: N802, TFX names it
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs TFX's executor.

        Raises:
            ValueError: The Examples are in no format that our ExampleGen or SpanExamples writes.
        """
        replaced = executor.TransformProcessor
        executor.TransformProcessor = _KeyedProcessor
        try:
            super().Do(input_dict, output_dict, exec_properties)
        finally:
            executor.TransformProcessor = replaced


@beam.ptransform_fn
def _write_blocks(
    batches: beam.PCollection, schema: schema_pb2.Schema, file_format: str, output_path: str
) -> beam.PCollection:
    """Takes the arguments of TFX's own; `file_format` is that of the Examples."""
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
