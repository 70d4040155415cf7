"""Read raw tf.Examples in batches for Transform, with a column of row keys."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tf_example_record, tfxio

from components.example_batches import read_batches
from components.row_keys import ROW_KEY, make_row_keys


class KeyedExamples(tf_example_record.TFExampleRecord):
    """TFX's reader of gzipped TFRecords of tf.Examples, with ROW_KEY as the last column.

    The column is not among the tensors; these are the features of the schema.
    """

    def __init__(self, file_pattern: str, schema: schema_pb2.Schema) -> None:
        """Store the glob pattern of the files, and the schema of their rows."""
        super().__init__(file_pattern=file_pattern, schema=schema, raw_record_column_name=ROW_KEY)
        self._pattern = file_pattern

    def ArrowSchema(self) -> pa.Schema:  # noqa: N802, TFX names it
        """Return the columns of each batch."""
        return self._ArrowSchemaNoRawRecordColumn().append(pa.field(ROW_KEY, pa.large_list(pa.int64())))

    def BeamSource(self, batch_size: int | None = None) -> beam.PTransform:  # noqa: N802, TFX names it
        """Return a transform that reads batches of `components.tfrecords.CHUNK_ROWS` rows; `batch_size` is ignored."""
        return read_batches(self._pattern, self._schema, {ROW_KEY: make_key_column})

    def _ProjectImpl(self, tensor_names: list[str]) -> tfxio.TFXIO:  # noqa: N802, TFX names it
        return KeyedExamples(self._pattern, super()._ProjectImpl(tensor_names)._schema)


def make_key_column(records: list[bytes]) -> pa.Array:
    """Return the keys of serialized rows, large_list<int64> [rows], one value each."""
    return pa.LargeListArray.from_arrays(np.arange(len(records) + 1), pa.array(make_row_keys(records)))
