"""Spans of rows that were seen in production: a Parquet file for each day, month or quarter of the request log."""

import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ingestion.logged_rows import LoggedRows, read_logged_rows
from pipelines.ingestion.logged_window import DAY, MONTH, QUARTER, LoggedWindow
from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, span_of_period
from serving.contract import Contract, Feature
from serving.durable_file import write_whole
from serving.request_log.files import log_files

_ONE_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrittenSpan:
    """What became of a period of the log."""

    span: str
    rows: int  # that can be trained on
    said: str  # in words: what was left out, or why nothing was written


def write_logged_spans(
    window: LoggedWindow,
    folder: Path,
    log: Path,
    feedback: Path,
    contract: Contract,
    label: Feature,
    now: datetime.datetime,
) -> Iterator[WrittenSpan]:
    """Writes the rows of each period that have an outcome, as the file of a span.

    A file whose rows are the same stays as it is. One that had more rows stays, too: the log has lost some since.

    Args:
        window: which periods.
        folder: where the files go.
        log: folder of the request log.
        feedback: folder of the outcomes.
        contract: the features that a request holds.
        label: the contract's column that outcomes are values of.
        now: UTC; a period that ends later is not over.

    Raises:
        SpanError: The log or the feedback cannot be read; or the log hides columns in all rows of a period.
    """
    for span in [window.span] if window.span is not None else _list_periods(window.kind, log, now):
        rows = read_logged_rows(log, feedback, contract, label, _midnight(span.begin), _midnight(span.end))
        hidden = rows.left_out.hidden
        if hidden and hidden == rows.answered:
            raise SpanError(
                f"{log}: expected the log to keep {', '.join(rows.left_out.hidden_columns)}, since a model is trained "
                f"on all columns of the contract; received {hidden:,} rows of {span} in which they are dropped or "
                "hashed; keep the columns in the gateway's settings, or do without these rows"
            )
        if rows.answered or window.span is not None:
            yield _write(rows, span, folder)


def _list_periods(kind: str, log: Path, now: datetime.datetime) -> list[Span]:
    """Lists the periods that are over and may have rows in the log, in the order of time."""
    days = {datetime.date.fromisoformat(file.parent.name) for file in log_files(log)}
    # A file collects rows for a day at most, and is filed under the day of its first row.
    spans = {span.number: span for day in days for span in (_period(kind, day), _period(kind, day + _ONE_DAY))}
    return [span for _, span in sorted(spans.items()) if _midnight(span.end) <= now]


def _period(kind: str, day: datetime.date) -> Span:
    quarter = (day.month + 2) // 3 if kind == QUARTER else None
    month = day.month if kind in (MONTH, DAY) else None
    found = span_of_period(day.year, quarter=quarter, month=month, day=day.day if kind == DAY else None)
    assert found is not None, "the calendar has this day"
    return found


def _midnight(day: datetime.date | None) -> datetime.datetime:
    assert day is not None, "a period has a first day and a last"
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


def _write(rows: LoggedRows, span: Span, folder: Path) -> WrittenSpan:
    path, said = folder / f"{span.name}.parquet", rows.left_out.describe()
    before = pq.read_table(path) if path.exists() else None
    if before is not None and before.schema.names == rows.table.schema.names and len(before) > len(rows.table):
        said = f"kept as it was: the log has {len(rows.table):,} such rows by now, and had {len(before):,}"
        return WrittenSpan(span=span.name, rows=len(before), said=said)
    if not len(rows.table):
        return WrittenSpan(span=span.name, rows=0, said=f"no row can be trained on: {said or 'the log has none'}")
    if before is None or not before.equals(rows.table):
        folder.mkdir(parents=True, exist_ok=True)
        sink = pa.BufferOutputStream()
        pq.write_table(rows.table, sink, compression="zstd")
        write_whole(path, memoryview(sink.getvalue()))
    return WrittenSpan(span=span.name, rows=len(rows.table), said=f"left out: {said}" if said else "")
