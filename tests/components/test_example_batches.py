"""Batches that threads decode are those of one thread: of more rows than one chunk holds, which no other test has."""

from pathlib import Path

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components.example_batches import _DecodeFile
from components.tfrecords import CHUNK_ROWS, read_chunks
from tests import handmade

pytestmark = pytest.mark.slow  # imports TensorFlow Extended

CHUNKS = 4


@pytest.mark.parametrize("schema", [None, handmade.CONTRACT], ids=["without a schema", "with"])
def test_threads_decode_what_one_thread_decodes(tmp_path: Path, schema: schema_pb2.Schema | None) -> None:
    raw = list(map(handmade.to_example, handmade.ROWS))
    file = tmp_path / "rows.gz"
    handmade.write_records(file, [raw[number % len(raw)] for number in range(CHUNKS * CHUNK_ROWS - 1)])
    serialized = None if schema is None else schema.SerializeToString()
    alone = example_coder.ExamplesToRecordBatchDecoder(*([] if serialized is None else [serialized]))
    expected = [alone.DecodeBatch(chunk.tolist()) for chunk in read_chunks([str(file)])]
    decoded = list(_DecodeFile(serialized, {}).process(str(file)))
    assert [batch.num_rows for batch in decoded] == [CHUNK_ROWS] * (CHUNKS - 1) + [CHUNK_ROWS - 1]
    assert all(batch.equals(other) for batch, other in zip(decoded, expected, strict=True))
