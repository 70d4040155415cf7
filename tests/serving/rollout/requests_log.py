"""Files as the gateway's request log leaves them."""

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from serving import contract
from serving.request_log import columns as log_columns
from tests.serving.rollout.models import CONTRACT

TRIPS = contract.from_schema(text_format.Parse(CONTRACT, schema_pb2.Schema()))


def write_log(path: Path, rows: list[dict], dropped: tuple[str, ...] = (), hashed: tuple[str, ...] = ()) -> None:
    schema = log_columns.arrow_schema(TRIPS, dropped, hashed)
    blank = dict.fromkeys(schema.names)
    when = datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)
    full = [blank | {"answer_status": 200, "request_time": when} | row for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in full], schema=schema), path
    )
