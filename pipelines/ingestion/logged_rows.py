"""Read the rows of the request log with their outcomes, so that a model can be trained on them."""

import dataclasses
import datetime
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.production_metrics.logged_predictions import concatenate, leave_out_repeats, to_frame
from pipelines.spans.errors import SpanError
from serving.contract import Contract, Feature
from serving.feedback.columns import OUTCOME
from serving.feedback.reading import KEY, FeedbackError, read_outcomes
from serving.request_log import columns as log
from serving.request_log.files import log_files

_ANSWERED = 200  # HTTP status
# These columns identify a row of the log, and distinguish a repeated request from another one.
_OWN = (*KEY, log.MODEL_VERSION, log.ANSWER_STATUS)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Numbers of rows that cannot be trained on, by reason."""

    waiting: int = 0  # no outcome yet
    contradictory: int = 0  # two different outcomes with the same time
    ambiguous: int = 0  # several requests with the same id and time
    repeated: int = 0  # the same request, id and answer within a minute
    hidden: int = 0  # the log drops or hashes some of their columns
    hidden_columns: tuple[str, ...] = ()  # those columns

    def describe(self) -> str:
        """Return the numbers and reasons in words; empty if no row is left out."""
        said = [
            (self.waiting, "without an outcome yet"),
            (self.contradictory, "with contradictory outcomes"),
            (self.ambiguous, "of requests that cannot be distinguished"),
            (self.repeated, "asked for twice"),
            (self.hidden, f"whose {', '.join(self.hidden_columns)} the log hides"),
        ]
        return ", ".join(f"{count:,} {why}" for count, why in said if count)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedRows:
    """The rows of a period that have an outcome, and the numbers of the others."""

    # The contract's features and its label, in the order of the requests: int64, float32 or string, null where missing.
    table: pa.Table
    left_out: LeftOut

    @property
    def answered(self) -> int:
        """Number of rows that a model answered, including those that are left out."""
        out = self.left_out
        return len(self.table) + out.waiting + out.contradictory + out.ambiguous + out.repeated + out.hidden


def read_logged_rows(
    folder: Path,
    feedback: Path,
    contract: Contract,
    label: Feature,
    start: datetime.datetime,
    end: datetime.datetime,
) -> LoggedRows:
    """Return the rows of a period that a model answered, joined with their outcomes.

    Args:
        folder: of the request log.
        feedback: folder of the outcomes.
        contract: the features in a request.
        label: the label of the contract; outcomes are its values.
        start: first moment of the period, with time zone.
        end: first moment after the period, with time zone.

    Raises:
        SpanError: A file cannot be read, or the outcomes belong to another label.
    """
    features = [feature.name for feature in contract.features]
    try:
        tables, hidden, hidden_columns = _read_answered(folder, features, start, end)
        # Sort by the key as well, so that rows with the same time always have the same order.
        keys = [(name, "ascending") for name in (log.REQUEST_TIME, *KEY[:2])]
        ordered = concatenate(tables).sort_by(keys) if tables else None
    except (OSError, pa.ArrowException) as error:
        raise SpanError(
            f"{folder}: expected finished files of the request log, received {type(error).__name__}: {error}; move a "
            "damaged file away"
        ) from error
    left_out = LeftOut(hidden=hidden, hidden_columns=hidden_columns)
    if ordered is None:
        return LoggedRows(
            table=_to_table(pd.DataFrame(columns=[*features, OUTCOME]), contract, label), left_out=left_out
        )
    rows, repeated = leave_out_repeats(to_frame(ordered))
    twice = rows.duplicated(list(KEY), keep=False)
    joined, contradictory = _join_outcomes(rows[~twice].reset_index(drop=True), feedback, label, start)
    known = joined[joined[OUTCOME].notna()]
    return LoggedRows(
        table=_to_table(known, contract, label),
        left_out=dataclasses.replace(
            left_out,
            waiting=len(joined) - len(known) - contradictory,
            contradictory=contradictory,
            ambiguous=int(twice.sum()),
            repeated=repeated,
        ),
    )


def _read_answered(
    folder: Path, features: Sequence[str], start: datetime.datetime, end: datetime.datetime
) -> tuple[list[pa.Table], int, tuple[str, ...]]:
    """Read the answered rows of files that show all columns, and count the answered rows of the others.

    Each file's schema tells what it hides, because the gateway's settings may change between files.

    Returns:
        The tables, the number of rows with hidden columns, and those columns.
    """
    tables, hidden_rows, hidden_columns = [], 0, set()
    for file in sorted(log_files(folder, start, end), key=lambda path: path.name):
        with pq.ParquetFile(file) as opened:
            schema = opened.schema_arrow
            shown = set(schema.names) - (log.hashed_columns(schema) & set(features))
            answers = [name for name in log.TELLING_ANSWERS if name in shown] or [log.ANSWER_PROBABILITY]
            own = (*_OWN, *answers)
            hiding = [name for name in (*features, *own) if name not in shown]
            names = (log.REQUEST_TIME, log.ANSWER_STATUS) if hiding else (*features, *own, *_caller(schema))
            table = _choose(opened.read(columns=list(names)), start, end)
        if hiding and len(table):
            hidden_rows += len(table)
            hidden_columns.update(hiding)
        elif len(table):
            tables.append(table)
    return tables, hidden_rows, tuple(sorted(hidden_columns))


def _caller(schema: pa.Schema) -> list[str]:
    return [log.REQUEST_CALLER] if log.REQUEST_CALLER in schema.names else []


def _choose(table: pa.Table, start: datetime.datetime, end: datetime.datetime) -> pa.Table:
    """Return the rows of the period that a model answered."""
    time = table.column(log.REQUEST_TIME)
    inside = pc.and_(pc.greater_equal(time, pa.scalar(start, time.type)), pc.less(time, pa.scalar(end, time.type)))
    return table.filter(pc.fill_null(pc.and_(inside, pc.equal(table.column(log.ANSWER_STATUS), _ANSWERED)), False))


def _join_outcomes(
    rows: pd.DataFrame, feedback: Path, label: Feature, start: datetime.datetime
) -> tuple[pd.DataFrame, int]:
    """Return the rows with their outcomes, and the number of rows with contradictory outcomes."""
    try:
        outcomes = read_outcomes(feedback, start)
    except FeedbackError as error:
        raise SpanError(str(error)) from error
    if outcomes.table is None:
        return rows.assign(**{OUTCOME: pd.NA}), 0
    if outcomes.label != label.name:
        raise SpanError(
            f"{feedback}: expected outcomes of the contract's label {label.name}, received some of {outcomes.label}: "
            "the contract changed; name a window after the change"
        )
    joined = rows.merge(to_frame(outcomes.table), on=list(KEY), how="left", validate="one_to_one")
    disputed = rows.merge(to_frame(outcomes.disputed), on=list(KEY), how="inner")
    return joined, len(disputed)


def _to_table(rows: pd.DataFrame, contract: Contract, label: Feature) -> pa.Table:
    """Return the table of a span, with exactly the contract's columns."""
    named = rows.rename(columns={OUTCOME: label.name})
    kinds = {"int64": pa.int64(), "float32": pa.float32(), "string": pa.string()}
    fields = [pa.field(one.name, kinds[one.kind.value]) for one in (*contract.features, label)]
    arrays = [pa.array(named[field.name], field.type, from_pandas=True) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))
