"""Writes encoded rows to gzipped TFRecord files, a batch at a time and not a row."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.filebasedsink import FileBasedSink
from apache_beam.io.filesystem import CompressionTypes
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.tfrecord_format import frame, make_packer


class EncodeBlocks(beam.DoFn):
    """From Transform's batches, with what passed by, to blocks of framed tf.Examples."""

    def __init__(self, schema: schema_pb2.Schema) -> None:
        """Takes the schema of the transformed rows; a column that it has not is encoded by its type."""
        self._schema = schema.SerializeToString()

    def setup(self) -> None:
        """Makes the encoder, which cannot be pickled."""
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema_pb2.Schema.FromString(self._schema))

    def process(self, element: tuple[pa.RecordBatch, dict[str, pa.Array]]) -> Iterator[bytes]:
        """Encodes a batch."""
        yield bytes(frame(pa.array(self._encoder.encode(element[0]), pa.binary())))


class BlockSink(FileBasedSink):
    """Writes files as Beam does: attempts apart, then each in its place. An element is a block of framed records."""

    def __init__(self, prefix: str) -> None:
        """Takes what the names of the files begin with."""
        super().__init__(
            prefix,
            beam.coders.BytesCoder(),
            file_name_suffix=".gz",
            compression_type=CompressionTypes.UNCOMPRESSED,  # packed here
        )

    def open(self, temp_path: str) -> "_PackedFile":
        """Begins a file."""
        return _PackedFile(super().open(temp_path))

    def write_encoded_record(self, file_handle: "_PackedFile", encoded_value: bytes) -> None:
        """Appends a block."""
        file_handle.write(encoded_value)


class _PackedFile:
    def __init__(self, stream: Any) -> None:
        self._stream, self._packer = stream, make_packer()

    def write(self, block: bytes) -> None:
        self._stream.write(self._packer.compress(block))

    def close(self) -> None:
        self._stream.write(self._packer.flush())
        self._stream.close()
