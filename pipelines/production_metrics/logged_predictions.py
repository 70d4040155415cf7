"""Read logged predictions and join them with their outcomes: the request log with feedback."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.serving_statistics import RequestLogError, read_span
from pipelines.production_metrics.errors import ProductionMetricsError
from serving.feedback.columns import OUTCOME
from serving.feedback.judge import REPEATED
from serving.feedback.reading import KEY, FeedbackError, read_outcomes
from serving.request_log import columns as log_columns
from serving.request_log.files import log_files

_ANSWERED = 200  # HTTP status of a request that a model answered
_NEEDED = (*KEY, log_columns.MODEL_VERSION, log_columns.ANSWER_STATUS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedPredictions:
    """Rows that a model answered, oldest first."""

    # The features, request_time, model_version, the prediction (answer_probability, answer_probabilities or
    # answer_value), and `outcome`, which is missing until it is reported.
    # Integers are Int64 with NA, FLOAT is float32 with NaN, strings are objects with None.
    rows: pd.DataFrame
    label: str | None  # the contract's column whose values are the outcomes; None: there is no outcome
    hidden: Mapping[str, str]  # feature -> how the log hides it: dropped or hashed
    repeated: int  # rows left out: requested again within a minute with the same id, and answered alike
    ambiguous: int  # rows left out: several requests with one id at the same moment
    contradictory: int  # rows whose outcome is left out: two different ones were reported at the same moment
    unmatched: int  # outcomes whose row the log does not hold


def find_newest(log: Path) -> datetime.datetime:
    """Return the time, in UTC, of the newest row that a model answered. Reads little more than the newest file.

    Args:
        log: folder of the request log.

    Raises:
        ProductionMetricsError: The log has no such row, or cannot be read.
    """
    try:
        newest_first = sorted(log_files(log), key=lambda path: path.name, reverse=True)
        newest = next((time for time in map(_newest, newest_first) if time is not None), None)
        if newest is None:
            raise ProductionMetricsError(_describe_no_row(log))
        return max([newest, *filter(None, map(_newest, log_files(log, start=newest)))])
    except (OSError, pa.ArrowException) as error:
        raise ProductionMetricsError(_describe_unreadable(log, error)) from error


def read_logged_predictions(log: Path, feedback: Path, start: datetime.datetime | None = None) -> LoggedPredictions:
    """Read the rows that a model answered, and join them with their outcomes.

    Args:
        log: folder of the request log.
        feedback: folder of the outcomes.
        start: read rows from this time on, with time zone; None: all rows.

    Returns:
        The rows, without repeated and ambiguous ones.

    Raises:
        ProductionMetricsError: The log has no such row, drops a needed column, or cannot be read, or the outcomes
            cannot be read.
    """
    try:
        span = read_span(log, start=start)
        tables = [_answered(file, start) for file in span.files]
    except RequestLogError as error:
        raise ProductionMetricsError(str(error)) from error
    except (OSError, pa.ArrowException) as error:
        raise ProductionMetricsError(_describe_unreadable(log, error)) from error
    needed = (*_NEEDED, *log_columns.TELLING_ANSWERS)
    if lacking := sorted(span.dropped.intersection(needed)):
        raise ProductionMetricsError(
            f"{log}: expected the request log to keep {', '.join(needed)}, but it drops {', '.join(lacking)}"
        )
    rows, repeated = leave_out_repeats(to_frame(concatenate(tables).sort_by(log_columns.REQUEST_TIME)))
    twice = rows.duplicated(list(KEY), keep=False)
    rows = rows[~twice].reset_index(drop=True)
    if rows.empty:
        raise ProductionMetricsError(_describe_no_row(log))
    try:
        outcomes = read_outcomes(feedback, rows[log_columns.REQUEST_TIME].min().to_pydatetime())
    except FeedbackError as error:
        raise ProductionMetricsError(str(error)) from error
    matched = 0
    if outcomes.table is None or not outcomes.table.num_rows:
        rows[OUTCOME] = pd.NA
    else:
        rows = rows.merge(to_frame(outcomes.table), on=list(KEY), how="left", validate="one_to_one")
        matched = int(rows[OUTCOME].notna().sum())
    hidden = dict.fromkeys(span.dropped, "dropped") | dict.fromkeys(span.hashed, "hashed")
    return LoggedPredictions(
        rows=rows,
        label=outcomes.label,
        hidden={name: how for name, how in hidden.items() if name not in log_columns.OWN_COLUMNS},
        repeated=repeated,
        ambiguous=int(twice.sum()),
        contradictory=outcomes.contradictory,
        unmatched=(outcomes.table.num_rows if outcomes.table is not None else 0) - matched,
    )


def _describe_no_row(log: Path) -> str:
    return (
        f"{log}: expected files of the request log with rows that a model answered, each with its own id, number and "
        "time, received none; switch the log on in the gateway's settings, and wait until a file is finished"
    )


def _describe_unreadable(log: Path, error: Exception) -> str:
    return (
        f"{log}: expected finished files of the request log, received {type(error).__name__}: {error}; try again, or "
        "move a damaged file away"
    )


def _newest(file: Path) -> datetime.datetime | None:
    """Return the time of a file's newest row that a model answered; None: there is none."""
    with pq.ParquetFile(file) as opened:
        table = opened.read(columns=[log_columns.REQUEST_TIME, log_columns.ANSWER_STATUS])
    answered = pc.fill_null(pc.equal(table.column(log_columns.ANSWER_STATUS), _ANSWERED), False)
    times = table.filter(answered).column(log_columns.REQUEST_TIME)
    return pd.Timestamp(pc.max(times).cast(pa.int64()).as_py(), unit="us", tz="UTC").to_pydatetime() if times else None


def leave_out_repeats(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Remove rows that a client requested again later, as feedback does (serving/feedback/judge.py).

    Args:
        rows: sorted by time.

    Returns:
        The rows of which no repetition follows within a minute, and the number of rows removed.
    """
    named = (log_columns.MODEL_VERSION, *log_columns.TELLING_ANSWERS, log_columns.REQUEST_CALLER)
    asked = [log_columns.REQUEST_ID, log_columns.REQUEST_ROW, *(name for name in named if name in rows)]
    by = rows[asked]
    if log_columns.ANSWER_PROBABILITIES in rows:  # pandas cannot group by lists
        lists = rows[log_columns.ANSWER_PROBABILITIES]
        by = by.assign(**{log_columns.ANSWER_PROBABILITIES: [None if each is None else tuple(each) for each in lists]})
    later = (
        by.assign(**{log_columns.REQUEST_TIME: rows[log_columns.REQUEST_TIME]})
        .groupby(asked, dropna=False, sort=False)[log_columns.REQUEST_TIME]
        .shift(-1)
    )
    repeated = (later - rows[log_columns.REQUEST_TIME]).between(pd.Timedelta(0), pd.Timedelta(REPEATED))
    return rows[~repeated].reset_index(drop=True), int(repeated.sum())


def _answered(file: Path, start: datetime.datetime | None) -> pa.Table:
    with pq.ParquetFile(file) as opened:
        table = opened.read()
    chosen = pc.equal(table.column(log_columns.ANSWER_STATUS), _ANSWERED)
    if start is not None:
        times = table.column(log_columns.REQUEST_TIME)
        chosen = pc.and_(chosen, pc.greater_equal(times, pa.scalar(start, times.type)))
    return table.filter(pc.fill_null(chosen, False))


def concatenate(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate tables of the log; a column that a file of an older gateway lacks is null there."""
    schema = pa.unify_schemas([table.schema.remove_metadata() for table in tables])
    return pa.concat_tables(
        pa.Table.from_arrays(
            [
                table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
                for field in schema
            ],
            schema=schema,
        )
        for table in tables
    )


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return a DataFrame in which integer columns with missing values stay integers."""
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
