"""Reads the outcomes that are stored."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

from serving.feedback import columns
from serving.request_log.columns import REQUEST_ID, REQUEST_ROW, REQUEST_TIME
from serving.request_log.files import log_files

KEY = (REQUEST_ID, REQUEST_ROW, REQUEST_TIME)  # what tells one row of the log from all others
_LISTINGS = 10  # how often files may be merged while they are read


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredOutcomes:
    """Outcomes, each once."""

    table: Any  # pyarrow.Table with the columns of KEY and `outcome`
    label: str | None  # the contract's column that they are values of; None where there is no outcome
    # Rows that two processes stored different outcomes of in the same moment, which are not in the table: how many, …
    contradictory: int
    disputed: Any = None  # … and which: pyarrow.Table with the columns of KEY; None where there is no outcome at all


class FeedbackError(ValueError):
    """The outcomes cannot be read, or are of different labels."""


def read_outcomes(folder: Path, since: datetime.datetime) -> StoredOutcomes:
    """Read outcomes of requests that came at a time or later.

    Args:
        folder: of the feedback; without files there is no outcome.
        since: with time zone.

    Raises:
        FeedbackError: A file cannot be read, or files hold outcomes of different labels.
    """
    import pyarrow as pa

    vanished: OSError | None = None
    for _ in range(_LISTINGS):
        try:
            return _once(_read(folder, since), since)
        except FileNotFoundError as error:  # Merged since it was listed: a new listing has the merged file.
            vanished = error
        except (OSError, pa.ArrowException) as error:
            raise FeedbackError(f"{folder}: expected files of outcomes, received {error}") from error
    raise FeedbackError(
        f"{folder}: expected files that stay, received ones that vanish while they are read: {vanished}"
    )


def _read(folder: Path, since: datetime.datetime) -> list[Any]:
    """An outcome comes after its request, so that files of earlier outcomes need not be read."""
    import pyarrow.parquet as pq

    tables = []
    for path in sorted(log_files(folder, start=since)):
        with pq.ParquetFile(path) as file:
            tables.append(file.read())
    return tables


def _once(tables: list[Any], since: datetime.datetime) -> StoredOutcomes:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not tables:
        return StoredOutcomes(table=None, label=None, contradictory=0)
    labels = {columns.label_name(table.schema) for table in tables}
    types = {table.schema.field(columns.OUTCOME).type for table in tables}
    if len(labels) > 1 or len(types) > 1:
        raise FeedbackError(
            f"expected outcomes of one label, received {', '.join(sorted(map(str, labels)))} as "
            f"{', '.join(sorted(map(str, types)))}: the contract changed; choose newer windows"
        )
    table = pa.concat_tables(tables)
    table = table.filter(
        pc.greater_equal(table.column(REQUEST_TIME), pa.scalar(since, table.schema.field(REQUEST_TIME).type))
    )
    names = [*KEY, columns.OUTCOME]
    distinct = table.select(names).group_by(names).aggregate([])  # a row in two files is one
    counts = distinct.group_by(list(KEY)).aggregate([(columns.OUTCOME, "count"), (columns.OUTCOME, "min")])
    single = pc.equal(counts.column(f"{columns.OUTCOME}_count"), 1)
    kept = counts.filter(single)
    return StoredOutcomes(
        table=kept.select([*KEY, f"{columns.OUTCOME}_min"]).rename_columns(names),
        label=labels.pop(),
        contradictory=counts.num_rows - kept.num_rows,
        disputed=counts.filter(pc.invert(single)).select(list(KEY)),
    )
