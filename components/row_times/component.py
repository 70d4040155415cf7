"""Count the rows of a span that belong to an earlier or a later span by the contract's time column.

No row is refused, since a late row is valid data.
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
    """Numbers of rows before, after and within the time of a span."""

    rows: int  # all rows
    late: int  # rows of a day before the span: they belong to an earlier one
    early: int  # rows of a day after the span
    unknown: int  # rows without a time, or with one that is not in the calendar
    oldest: str  # first day of all rows, ISO 8601; empty if no row has one
    newest: str  # last day of all rows, ISO 8601; empty if no row has one


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
    """Count a span's rows and write the counts to `report.json`.

    Args:
        examples: the span.
        report: the output.
        split: the split that holds all rows of the span.
        column: the contract's time column.
        written: format of the column; see serving.contract.dates.
        begin: first day of the span, ISO 8601.
        end: the day after the span's last, ISO 8601.
        code_digest: digest of this component's code; part of the cache key.
    """
    files = list_split_files(examples, split)
    period = (datetime.date.fromisoformat(begin), datetime.date.fromisoformat(end))
    counts = count_times(_read_values(files, column), written, *period)
    write_json(os.path.join(report.uri, REPORT_FILE), dataclasses.asdict(counts))


def count_times(
    values: Iterable[bytes | float | None], written: str, begin: datetime.date, end: datetime.date
) -> TimeCounts:
    """Count the rows before a period, after it, and without a time.

    Args:
        values: values of the time column, one per row; None if a row has none. They are not kept in memory.
        written: format of the values; see serving.contract.dates.
        begin: first day of the period.
        end: the day after its last.

    Returns:
        The counts.
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
    except OverflowError:  # for example milliseconds instead of seconds; AnomalyGate checks the contract's range
        return None


def _read_values(files: list[str], column: str) -> Iterator[bytes | float | None]:
    decoder = ExamplesToRecordBatchDecoder()
    for chunk in read_chunks(files):
        rows = decoder.DecodeBatch(chunk.tolist())
        place = rows.schema.get_field_index(column)
        cells = rows.column(place).to_pylist() if place >= 0 else itertools.repeat(None, len(chunk))
        yield from (cell[0] if cell else None for cell in cells)
