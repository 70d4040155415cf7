"""A contract with every kind of feature, and request logs of it, for the tests of writer and reader."""

import datetime
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import text_format
from prometheus_client import CollectorRegistry
from tensorflow_metadata.proto.v0 import schema_pb2

from serving import contract as contracts
from serving.contract.target import BINARY_TARGET, Target
from serving.request_log.files import log_files
from serving.request_log.pending import PendingRequests
from serving.request_log.settings import RequestLogSettings
from serving.request_log.writer import RequestLog

SCHEMA = text_format.Parse(
    """
    default_environment: "TRAINING"
    default_environment: "SERVING"
    annotation { tag: "missing_number:-9007199254740992" tag: "missing_string:" }
    feature { name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      float_domain { min: 0 max: 1000 } }
    feature { name: "miles" type: FLOAT presence { min_fraction: 0.5 min_count: 1 } value_count { min: 0 max: 1 } }
    feature { name: "hour" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      int_domain { min: 0 max: 23 }
      skew_comparator { jensen_shannon_divergence { threshold: 0.05 } } }
    feature { name: "area" type: INT presence { min_fraction: 0.3 min_count: 1 } value_count { min: 0 max: 1 }
      int_domain { min: 1 max: 77 is_categorical: true }
      skew_comparator { infinity_norm { threshold: 0.1 } } }
    feature { name: "tract" type: INT value_count { min: 0 max: 1 } }
    feature { name: "pay" type: BYTES presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      string_domain { name: "pay" value: "Cash" value: "Card" } distribution_constraints { min_domain_mass: 0.9 }
      skew_comparator { infinity_norm { threshold: 0.1 } } }
    feature { name: "company" type: BYTES presence { min_fraction: 0.3 min_count: 1 } value_count { min: 0 max: 1 }
      skew_comparator { infinity_norm { threshold: 0.1 } } }
    feature { name: "tips" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      not_in_environment: "SERVING" }
    """,
    schema_pb2.Schema(),
)
CONTRACT = contracts.from_schema(SCHEMA)
TRIP = {"fare": 12.5, "miles": 3.25, "hour": 17, "area": 8, "tract": 17031081500, "pay": "Cash", "company": "Flash Cab"}
MORNING = datetime.datetime(2026, 3, 1, 8, 30, tzinfo=datetime.UTC)
KEY = b"a key of the tests"


def start(
    folder: Path,
    *,
    contract: contracts.Contract = CONTRACT,
    pending: PendingRequests | None = None,
    draw: random.Random | None = None,
    target: Target = BINARY_TARGET,
    **settings: Any,
) -> tuple[RequestLog, CollectorRegistry]:
    """A request log and the registry of its counters."""
    registry = CollectorRegistry()
    settings = {"keep_days": 100_000} | settings  # The tests' requests came long ago.
    kept = RequestLogSettings(folder=folder, **settings)
    return RequestLog(kept, contract, registry=registry, pending=pending, draw=draw, target=target), registry


def offer(log: RequestLog, request_id: str = "r1", rows: Any = None, **changes: Any) -> bool:
    """Offers a request that was answered, as the gateway of a binary task does unless `changes` say otherwise."""
    rows = [TRIP] if rows is None else rows
    answered = {
        "probabilities": [0.25] * len(rows),
        "decisions": [False] * len(rows),
        "model_version": 7,
        "model_label": None,
        "status": 200,
        "latency_ms": 4.5,
        "received": MORNING,
    }
    return log.offer(request_id=request_id, rows=rows, **(answered | changes))


def counts(registry: CollectorRegistry) -> dict[str, float]:
    """Rows by result; results of no row are left out."""
    results = ("written", "dropped", "failed")
    values = {
        result: registry.get_sample_value("gateway_request_log_rows_total", {"result": result}) for result in results
    }
    return {result: value for result, value in values.items() if value}


def files(folder: Path) -> list[Path]:
    """The finished files, oldest first."""
    return sorted(log_files(folder), key=lambda path: path.name)


def rows(folder: Path) -> list[dict[str, Any]]:
    """All rows of all files, in the order in which they were written."""
    return [row for file in files(folder) for row in table(file).to_pylist()]


def table(file: Path) -> pa.Table:
    """A file's rows."""
    with pq.ParquetFile(file) as opened:
        return opened.read()


def schema_file(folder: Path, schema: schema_pb2.Schema = SCHEMA) -> Path:
    """The contract as a file, which a gateway reads."""
    path = folder / "schema.pbtxt"
    path.write_text(text_format.MessageToString(schema))
    return path


def last_json(output: str) -> Any:
    """What a process printed last."""
    return json.loads(output.splitlines()[-1])


def by_number(folder: Path) -> list[Path]:
    return sorted(files(folder), key=lambda path: path.stem.rpartition("-")[2])


def until(holds: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        time.sleep(0.005)
