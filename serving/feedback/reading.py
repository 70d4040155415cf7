"""Read the stored outcomes."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

from serving.feedback import columns
from serving.request_log.columns import REQUEST_ID, REQUEST_ROW, REQUEST_TIME
from serving.request_log.files import log_files

KEY = (REQUEST_ID, REQUEST_ROW, REQUEST_TIME)  # identifies one row of the log
_LISTINGS = 10  # how often files may be merged while they are read


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredOutcomes:
    """Outcomes, each once."""

    table: Any  # pyarrow.Table with the columns of KEY and `outcome`
    label: str | None  # the contract's column of the values; None if there is no outcome
    # Rows with different outcomes, stored by two processes at the same moment. The table omits them; this is their
    # number.
    contradictory: int
    disputed: Any = None  # and these are the rows: pyarrow.Table with the columns of KEY; None if there is no outcome


class FeedbackError(ValueError):
    """The outcomes cannot be read, or belong to different labels."""


def read_outcomes(folder: Path, since: datetime.datetime) -> StoredOutcomes:
    """Read outcomes of requests that came at a time or later.

    Args:
        folder: of the feedback; it may be empty.
        since: with time zone.

    Returns:
        The outcomes.

    Raises:
        FeedbackError: A file cannot be read, or files hold outcomes of different labels.
    """
    import pyarrow as pa

    vanished: OSError | None = None
    for _ in range(_LISTINGS):
        try:
            return _once(_read(folder, since), since)
        except FileNotFoundError as error:  # merged since it was listed: a new listing has the merged file
            vanished = error
        except (OSError, pa.ArrowException) as error:
            raise FeedbackError(f"{folder}: expected files of outcomes, received {error}") from error
    raise FeedbackError(
        f"{folder}: expected files that stay, received files that vanish while they are read: {vanished}"
    )


def _read(folder: Path, since: datetime.datetime) -> list[Any]:
    """Read all files that may hold such outcomes. Earlier files are skipped: an outcome comes after its request."""
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
    distinct = table.select(names).group_by(names).aggregate([])  # a row in two files counts once
    counts = distinct.group_by(list(KEY)).aggregate([(columns.OUTCOME, "count"), (columns.OUTCOME, "min")])
    single = pc.equal(counts.column(f"{columns.OUTCOME}_count"), 1)
    kept = counts.filter(single)
    return StoredOutcomes(
        table=kept.select([*KEY, f"{columns.OUTCOME}_min"]).rename_columns(names),
        label=labels.pop(),
        contradictory=counts.num_rows - kept.num_rows,
        disputed=counts.filter(pc.invert(single)).select(list(KEY)),
    )
