"""Write batches of rows to gzipped TFRecord files in Beam, a whole batch at a time."""

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
    """Encodes Transform's batches, which include the row keys, as blocks of framed tf.Examples."""

    def __init__(self, schema: schema_pb2.Schema) -> None:
        """Store the schema of the transformed rows; columns that are not in it are encoded by their type."""
        self._schema = schema.SerializeToString()

    def setup(self) -> None:
        """Make the encoder, which cannot be pickled."""
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema_pb2.Schema.FromString(self._schema))

    def process(self, element: tuple[pa.RecordBatch, dict[str, pa.Array]]) -> Iterator[bytes]:
        """Yield the block of a batch; the second part of the element is not used."""
        yield bytes(frame(pa.array(self._encoder.encode(element[0]), pa.binary())))


class BlockSink(FileBasedSink):
    """Beam's file sink for blocks of framed records; as always, Beam writes temporary files and then renames them."""

    def __init__(self, prefix: str) -> None:
        """Store the prefix of the files' paths."""
        super().__init__(
            prefix,
            beam.coders.BytesCoder(),
            file_name_suffix=".gz",
            compression_type=CompressionTypes.UNCOMPRESSED,  # _PackedFile compresses
        )

    def open(self, temp_path: str) -> "_PackedFile":
        """Open a file for blocks."""
        return _PackedFile(super().open(temp_path))

    def write_encoded_record(self, file_handle: "_PackedFile", encoded_value: bytes) -> None:
        """Append a block."""
        file_handle.write(encoded_value)


class _PackedFile:
    def __init__(self, stream: Any) -> None:
        self._stream, self._packer = stream, make_packer()

    def write(self, block: bytes) -> None:
        self._stream.write(self._packer.compress(block))

    def close(self) -> None:
        self._stream.write(self._packer.flush())
        self._stream.close()
