"""RowTimes counts the rows of a span that belong to an earlier one or a later one, by the contract's time column.

Reads the Examples of a span. Writes `report.json`. It refuses nothing: a row that comes late is a real one.
"""

import dataclasses
import datetime
import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

from components import artifacts
from components.artifact_files import list_split_files, write_json
from components.tfrecords import read_chunks
from serving.contract import dates
from serving.contract.dates import Moment

REPORT_FILE = "report.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class TimeCounts:
    """Rows by where their time lies."""

    rows: int
    late: int  # of a day before the span: they belong to an earlier one
    early: int  # of a day after the span
    unknown: int  # without a time, or with none that the calendar has
    oldest: str  # the first day of all rows; empty without one
    newest: str  # the last


@component
def RowTimes(
    examples: InputArtifact[standard_artifacts.Examples],
    report: OutputArtifact[artifacts.RowTimes],
    split: Parameter[str],
    column: Parameter[str],
    written: Parameter[str],
    begin: Parameter[str],
    end: Parameter[str],
    code_digest: Parameter[str],
) -> None:
    """Counts the rows of each time.

    Args:
        examples: of a span.
        report: where the counts go.
        split: that holds all its rows.
        column: the contract's time column.
        written: how it is written; see serving.contract.dates.
        begin: first day of the span, ISO 8601.
        end: the day after its last.
        code_digest: digest of this component's code; part of the cache key.
    """
    files = list_split_files(examples, split)
    period = (datetime.date.fromisoformat(begin), datetime.date.fromisoformat(end))
    counts = count_times(_read_values(files, column), written, *period)
    write_json(os.path.join(report.uri, REPORT_FILE), dataclasses.asdict(counts))


def count_times(
    values: Iterable[bytes | float | None], written: str, begin: datetime.date, end: datetime.date
) -> TimeCounts:
    """Counts the rows before a period, after it, and without a time.

    Args:
        values: of the time column, one a row; None where there is none. They are looked at one by one, and not kept.
        written: how they are written.
        begin: first day.
        end: the day after the last.
    """
    counts = Counter(None if value is None else _read_day(value, written) for value in values)
    known = {day: rows for day, rows in counts.items() if day is not None}
    return TimeCounts(
        rows=counts.total(),
        late=sum(rows for day, rows in known.items() if day < begin),
        early=sum(rows for day, rows in known.items() if day >= end),
        unknown=counts[None],
        oldest=min(known).isoformat() if known else "",
        newest=max(known).isoformat() if known else "",
    )


def _read_day(value: bytes | float, written: str) -> datetime.date | None:
    text = value.decode() if isinstance(value, bytes) else str(int(value))
    moment: Moment | None = dates.parse(text, written)
    try:
        return moment.date if moment is not None else None
    except OverflowError:  # Such as milliseconds where seconds are expected: AnomalyGate has the contract's bounds.
        return None


def _read_values(files: list[str], column: str) -> Iterator[bytes | float | None]:
    decoder = ExamplesToRecordBatchDecoder()
    for chunk in read_chunks(files):
        rows = decoder.DecodeBatch(chunk.tolist())
        place = rows.schema.get_field_index(column)
        cells = rows.column(place).to_pylist() if place >= 0 else itertools.repeat(None, len(chunk))
        yield from (cell[0] if cell else None for cell in cells)
