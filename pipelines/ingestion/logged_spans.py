"""Write spans from the request log: a Parquet file for each day, month or quarter."""

import collections
import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ingestion.logged_rows import LeftOut, LoggedRows, read_logged_rows
from pipelines.ingestion.logged_window import DAY, MONTH, QUARTER, LoggedWindow
from pipelines.spans.errors import SpanError
from pipelines.spans.span import Span, span_of_period
from serving.contract import Contract, Feature
from serving.durable_file import write_whole
from serving.request_log.files import log_files

_ONE_DAY = datetime.timedelta(days=1)
# Each new version of a span is read and judged whole, and outcomes arrive over weeks: few new rows make no version.
_LEAST_NEW_SHARE = 0.01  # least share of new rows, of the span's rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrittenSpan:
    """The file that was written for a period of the log."""

    span: str
    rows: int  # with an outcome
    said: str  # what was left out, or why nothing was written


def write_logged_spans(
    window: LoggedWindow,
    folder: Path,
    log: Path,
    feedback: Path,
    contract: Contract,
    label: Feature,
    now: datetime.datetime,
) -> Iterator[WrittenSpan]:
    """Write the rows of each period that have an outcome, as the file of a span.

    A file keeps its rows after the log has removed them. It is rewritten when outcomes have arrived. In a window of
    several periods it is not rewritten for a few new outcomes while others are missing.

    Args:
        window: selects the periods.
        folder: the files' folder.
        log: folder of the request log.
        feedback: folder of the outcomes.
        contract: the features in a request.
        label: the label of the contract; outcomes are its values.
        now: current time in UTC; a period that ends later is not over.

    Yields:
        What was written for each period, in the order of time.

    Raises:
        SpanError: The log or the feedback cannot be read, or the log hides columns in all rows of the newest period. In
            the second case earlier periods have been written.
    """
    hiding: SpanError | None = None  # of the newest period
    first = min(log_files(log), key=lambda file: file.parent.name, default=None)
    for span in [window.span] if window.span is not None else _list_periods(window.kind, log, now):
        rows = read_logged_rows(log, feedback, contract, label, _midnight(span.begin), _midnight(span.end))
        if not rows.answered and window.span is None:
            continue
        hiding = None
        if rows.answered and rows.left_out.hidden == rows.answered:
            hiding = _hiding(log, span, rows.left_out)
            yield WrittenSpan(span=span.name, rows=0, said=f"no row can be trained on: {rows.left_out.describe()}")
            continue
        written = _write(rows, span, folder, every_row=window.span is not None)
        if first is not None and datetime.date.fromisoformat(first.parent.name) > _require_day(span.begin):
            written = dataclasses.replace(written, said=_join(written.said, f"the log begins on {first.parent.name}"))
        yield written
    if hiding is not None:
        raise hiding


def _hiding(log: Path, span: Span, left_out: LeftOut) -> SpanError:
    return SpanError(
        f"{log}: expected the log to keep {', '.join(left_out.hidden_columns)}, since a model is trained on all "
        f"columns of the contract; received {left_out.hidden:,} rows of {span} in which they are dropped or hashed; "
        "keep the columns in the gateway's settings, or name a period before (--window)"
    )


def _list_periods(kind: str, log: Path, now: datetime.datetime) -> list[Span]:
    """Return the periods that are over and may have rows in the log, in the order of time."""
    days = {datetime.date.fromisoformat(file.parent.name) for file in log_files(log)}
    # A file holds rows of at most one day, and is in the folder of its first row's day.
    spans = {span.number: span for day in days for span in (_period(kind, day), _period(kind, day + _ONE_DAY))}
    return [span for _, span in sorted(spans.items()) if _midnight(span.end) <= now]


def _period(kind: str, day: datetime.date) -> Span:
    quarter = (day.month + 2) // 3 if kind == QUARTER else None
    month = day.month if kind in (MONTH, DAY) else None
    found = span_of_period(day.year, quarter=quarter, month=month, day=day.day if kind == DAY else None)
    assert found is not None, "the calendar has this day"
    return found


def _midnight(day: datetime.date | None) -> datetime.datetime:
    return datetime.datetime.combine(_require_day(day), datetime.time(), datetime.UTC)


def _require_day(day: datetime.date | None) -> datetime.date:
    assert day is not None, "a period has a first day and a last"
    return day


def _write(rows: LoggedRows, span: Span, folder: Path, *, every_row: bool) -> WrittenSpan:
    """Write the file of a period, unless it already has all rows, or all except a few.

    Args:
        rows: of the period, as the log has them now.
        span: the period.
        folder: the files' folder.
        every_row: also write the file for a few new rows.

    Returns:
        Rows in the file, and what was left out.
    """
    path, left_out = folder / f"{span.name}.parquet", rows.left_out.describe()
    before = pq.read_table(path) if path.exists() else None
    table, said = rows.table, f"left out: {left_out}" if left_out else ""
    if before is not None and before.schema.equals(table.schema):
        gone = _rows_without(before, table)
        table = pa.concat_tables([gone, table])
        said = _join(said, f"{len(gone):,} kept that the log no longer has" if len(gone) else "")
        more = len(table) - len(before)
        if not more:
            return WrittenSpan(span=span.name, rows=len(before), said=said)
        if not every_row and rows.left_out.waiting and more < _LEAST_NEW_SHARE * len(before):
            few = f"{more:,} new for the next version, which needs {_LEAST_NEW_SHARE:.0%} new rows or --window"
            return WrittenSpan(span=span.name, rows=len(before), said=_join(said, few))
    elif before is not None:
        said = _join(said, f"the contract had other columns when the span was made, of {len(before):,} rows")
    if not len(table):
        return WrittenSpan(span=span.name, rows=0, said=f"no row can be trained on: {left_out or 'the log has none'}")
    folder.mkdir(parents=True, exist_ok=True)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_whole(path, memoryview(sink.getvalue()))
    return WrittenSpan(span=span.name, rows=len(table), said=said)


def _rows_without(table: pa.Table, other: pa.Table) -> pa.Table:
    """Return the rows of a table that another one lacks; a row that occurs twice must occur twice in the other."""
    found = collections.Counter(_row_values(other))
    lacking = []
    for number, row in enumerate(_row_values(table)):
        if found[row]:
            found[row] -= 1
        else:
            lacking.append(number)
    return table.take(pa.array(lacking, pa.int64()))


def _row_values(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _join(*said: str) -> str:
    return "; ".join(filter(None, said))
