"""Read a summary of a window from the request log: rows, statuses, versions, and which columns the log hides."""

import dataclasses
import datetime
import hashlib
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.serving_statistics import LoggedSpan, read_span
from components.traffic_monitor.answers import count_statuses
from pipelines.monitoring.time_window import TimeWindow
from serving.contract import SERVING_ENVIRONMENT
from serving.durable_file import write_whole
from serving.request_log import columns as log
from serving.request_log.files import log_files

_ANSWERED = 200  # HTTP status


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedWindow:
    """A summary of a window of the log."""

    answered: int  # rows
    statuses: dict[str, int]  # HTTP status -> requests
    statuses_before: dict[str, int]  # of the window before
    versions: tuple[str, ...]  # that answered; "" for rows whose version is not logged
    span: LoggedSpan | None  # None: the log has no file of the window
    fingerprint: str  # of the files of the window and of the window before


def read_logged_window(folder: Path, window: TimeWindow) -> LoggedWindow:
    """Read the summary of a window.

    Args:
        folder: of the request log.
        window: of time.

    Returns:
        The summary.

    Raises:
        RequestLogError: The files of the window do not fit together.
    """
    files = sorted(log_files(folder, window.start, window.end))
    earlier = sorted(log_files(folder, *window.before))
    # read_span raises an error if files do not fit together, before any rows are read.
    spans = [
        read_span(folder, start=start, end=end)
        for start, end, found in ((window.start, window.end, files), (*window.before, earlier))
        if found
    ]
    statuses: Counter[str] = Counter()
    statuses_before: Counter[str] = Counter()
    versions: set[str] = set()
    answered_rows = 0
    for file in earlier:
        statuses_before.update(count_statuses(_rows(file, *window.before)))
    for file in files:
        table = _rows(file, window.start, window.end)
        statuses.update(count_statuses(table))
        answered = table.filter(pc.equal(table[log.ANSWER_STATUS], _ANSWERED))
        answered_rows += answered.num_rows
        if log.MODEL_VERSION in table.schema.names:
            versions |= {"" if one is None else str(one) for one in answered[log.MODEL_VERSION].unique().to_pylist()}
        elif answered.num_rows:
            versions.add("")
    return LoggedWindow(
        answered=answered_rows,
        statuses=dict(sorted(statuses.items())),
        statuses_before=dict(sorted(statuses_before.items())),
        versions=tuple(sorted(versions)),
        span=spans[0] if files else None,
        fingerprint=_fingerprint([*files, *earlier]),
    )


def write_contract(contract: Path, span: LoggedSpan, folder: Path) -> Path:
    """Write the contract of the columns that requests and the log hold.

    The file's name changes with its content, so that ImportSchemaGen's cache notices a change.

    Args:
        contract: of the task.
        span: of the log, which hides some columns.
        folder: for the file.

    Returns:
        The file.
    """
    schema = span.visible(text_format.Parse(contract.read_text(encoding="utf-8"), schema_pb2.Schema()))
    served = [feature for feature in schema.feature if SERVING_ENVIRONMENT not in feature.not_in_environment]
    kept = schema_pb2.Schema()
    kept.CopyFrom(schema)
    del kept.feature[:], kept.default_environment[:]
    kept.feature.extend(served)
    kept.ClearField("dataset_constraints")  # they are bounds on the rows of training splits
    content = text_format.MessageToString(kept)
    path = folder / f"served-{hashlib.sha256(content.encode()).hexdigest()[:16]}.pbtxt"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    return path


def _rows(file: Path, start: datetime.datetime, end: datetime.datetime) -> pa.Table:
    names = [log.REQUEST_TIME, log.ANSWER_STATUS, log.MODEL_VERSION]
    there = set(pq.read_schema(file).names)
    with pq.ParquetFile(file) as opened:
        table = opened.read(columns=[name for name in names if name in there])
    time = table[log.REQUEST_TIME]
    kind = time.type
    return table.filter(pc.and_(pc.greater_equal(time, pa.scalar(start, kind)), pc.less(time, pa.scalar(end, kind))))


def _fingerprint(files: list[Path]) -> str:
    """Return a digest of names and sizes: a finished file of the log never changes."""
    lines = sorted({f"{file.name} {file.stat().st_size}" for file in files})
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()
