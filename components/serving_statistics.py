"""Read the gateway's request log (serving/request_log/writer.py) as record batches, and compute TFDV statistics of it.

Only rows that the model answered are read. A feature is a list of one value. A missing value is null, never an empty
list, as in the pipeline's Examples, so that training and serving count missing values alike.

This compares the statistics with the contract, and with those of the training rows::

    span = read_span(folder, start=yesterday, end=today)
    served = span.statistics(contract, beam_args=LocalEngine().beam_args())
    tfdv.validate_statistics(served, span.visible(contract), environment="SERVING")
    tfdv.validate_statistics(training, span.comparable(contract), serving_statistics=served)
"""

import dataclasses
import datetime
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from serving.contract import Value
from serving.request_log import columns as log_columns
from serving.request_log.files import log_files

_ANSWERED = 200  # HTTP status of a request that the model answered; clients repeat the others, which would count twice
_BATCH_ROWS = 8192


class RequestLogError(ValueError):
    """The request log has no rows of the span, or files that cannot be read together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedSpan:
    """The rows of a time span of the request log that a model answered."""

    files: tuple[Path, ...]  # files that may have such rows
    start: datetime.datetime | None  # first moment, with time zone; None for the log's first row
    end: datetime.datetime | None  # first moment after the span, with time zone; None for no end
    model_version: int | None  # rows that this version answered; None for any
    hashed: frozenset[str]  # columns that are logged as hashes
    dropped: frozenset[str]  # columns that are not logged
    answers: tuple[frozenset[str], tuple[Value, ...]]  # columns of an answer, and classes; they give the kind of task

    def record_batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the features of the rows in batches.

        Yields:
            Columns of list<int64>, list<float> or list<binary>; hashed ones are list<binary>. A feature that is missing
            in all rows of a batch has no column in it, as in batches of tf.Examples.
        """
        for file in self.files:
            yield from self._batches(str(file))

    def statistics(
        self, contract: schema_pb2.Schema, *, beam_args: Sequence[str]
    ) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Return the statistics of the rows, computed with the contract as StatisticsGen does.

        Args:
            contract: the contract of the rows.
            beam_args: Beam's options, such as LocalEngine().beam_args() returns.

        Raises:
            RequestLogError: There is no row.
        """
        with tempfile.TemporaryDirectory(prefix="request-log-statistics-") as folder:
            output = str(Path(folder) / "FeatureStats.pb")
            with beam.Pipeline(options=PipelineOptions(list(beam_args))) as pipeline:
                _ = (
                    pipeline
                    | "Files" >> beam.Create([str(file) for file in self.files])
                    | "Rows" >> beam.FlatMap(self._batches).with_output_types(pa.RecordBatch)
                    | "Statistics" >> tfdv.GenerateStatistics(tfdv.StatsOptions(schema=self.visible(contract)))
                    | "Write" >> tfdv.WriteStatisticsToBinaryFile(output)
                )
            found = tfdv.load_stats_binary(output)
        if not any(dataset.num_examples for dataset in found.datasets):
            raise RequestLogError(f"{self._described()}: expected at least one answered row, received none")
        return found

    def visible(self, contract: schema_pb2.Schema) -> schema_pb2.Schema:
        """Return the part of the contract that can be checked against the log.

        Dropped features are left out. A hashed feature keeps its presence, and its drift comparator if that is an
        infinity norm: equal values have equal hashes. Ranges, domains and skew cannot be checked against hashes.
        """
        visible = schema_pb2.Schema()
        visible.CopyFrom(contract)
        del visible.feature[:]
        visible.feature.extend(feature for feature in contract.feature if feature.name not in self.dropped)
        for feature in visible.feature:
            if feature.name in self.hashed:
                feature.type = schema_pb2.FeatureType.BYTES
                feature.ClearField("distribution_constraints")
                feature.ClearField("skew_comparator")
                if feature.drift_comparator.HasField("jensen_shannon_divergence"):
                    feature.ClearField("drift_comparator")
                if domain := feature.WhichOneof("domain_info"):
                    feature.ClearField(domain)
        return visible

    def comparable(self, contract: schema_pb2.Schema) -> schema_pb2.Schema:
        """Return the contract with skew_comparators only for features whose values the log holds."""
        comparable = schema_pb2.Schema()
        comparable.CopyFrom(contract)
        for feature in comparable.feature:
            if feature.name in self.hashed | self.dropped:
                feature.ClearField("skew_comparator")
        return comparable

    def _batches(self, file: str) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(file) as opened:
            names = log_columns.feature_columns(opened.schema_arrow)
            for batch in opened.iter_batches(batch_size=_BATCH_ROWS):
                chosen = batch.filter(self._chosen(batch))
                features = {name: _column(chosen, name) for name in names}
                listed = {name: _listed(cells) for name, cells in features.items() if cells.null_count < len(cells)}
                if listed:
                    yield pa.RecordBatch.from_arrays(list(listed.values()), list(listed))

    def _chosen(self, batch: pa.RecordBatch) -> pa.BooleanArray:
        chosen = pc.equal(_column(batch, log_columns.ANSWER_STATUS), _ANSWERED)
        time = _column(batch, log_columns.REQUEST_TIME)
        if self.start is not None:
            chosen = pc.and_(chosen, pc.greater_equal(time, pa.scalar(self.start, time.type)))
        if self.end is not None:
            chosen = pc.and_(chosen, pc.less(time, pa.scalar(self.end, time.type)))
        if self.model_version is not None:
            chosen = pc.and_(chosen, pc.equal(_column(batch, log_columns.MODEL_VERSION), self.model_version))
        return pc.fill_null(chosen, False)

    def _described(self) -> str:
        version = "" if self.model_version is None else f" of model version {self.model_version}"
        span = f"from {self.start or 'the first row'} to {self.end or 'the last row'}"
        return f"the request log {span}{version}, {len(self.files)} files"


def read_span(
    folder: Path,
    *,
    start: datetime.datetime | None = None,
    end: datetime.datetime | None = None,
    model_version: int | None = None,
) -> LoggedSpan:
    """Return a time span of the request log; files that are still being written are left out.

    Args:
        folder: the log's folder.
        start: first moment, with time zone; None for the log's first row.
        end: first moment after the span, with time zone; None for no end.
        model_version: only rows that this version answered; None for any.

    Raises:
        RequestLogError: There is no file, or a file cannot be read. `start` or `end` has no time zone. Files differ in
            dropped or hashed columns, in the type of a column or in the kind of task. `model_version` is given, and
            the log does not hold it.
    """
    for name, moment in (("start", start), ("end", end)):
        if moment is not None and moment.tzinfo is None:
            raise RequestLogError(f"{name}: expected a time with its time zone, received {moment.isoformat()}")
    files = tuple(sorted(log_files(folder, start, end)))
    if not files:
        raise RequestLogError(
            f"{folder}: expected files of the request log from {start or 'any time'} to {end or 'now'}, received none; "
            "is the log switched on in the gateway's settings, and a file finished?"
        )
    schemas = [_read_schema(file) for file in files]
    hashed, dropped = log_columns.hashed_columns(schemas[0]), log_columns.dropped_columns(schemas[0])
    answers = log_columns.answers(schemas[0])
    types: dict[str, pa.DataType] = {}
    for file, schema in zip(files, schemas, strict=True):
        alike = (log_columns.hashed_columns(schema), log_columns.dropped_columns(schema)) == (hashed, dropped)
        if not alike or any(types.setdefault(field.name, field.type) != field.type for field in schema):
            raise RequestLogError(
                f"{file}: expected columns hashed, dropped and typed as in the span's first file {files[0].name}, "
                "received others; the gateway's settings or its contract changed: choose a span before or after"
            )
        if log_columns.answers(schema) != answers:
            raise RequestLogError(
                f"{file}: expected answers and classes as in the span's first file {files[0].name}, received others; "
                "the gateway's kind of task or its contract changed: choose a span before or after"
            )
    if model_version is not None and log_columns.MODEL_VERSION in dropped:
        raise RequestLogError(f"{folder}: expected {log_columns.MODEL_VERSION} to choose rows by, but it is not logged")
    return LoggedSpan(
        files=files, start=start, end=end, model_version=model_version, hashed=hashed, dropped=dropped, answers=answers
    )


def _read_schema(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file)
    except (OSError, pa.ArrowInvalid) as error:
        raise RequestLogError(
            f"{file}: expected a Parquet file of the request log, received one that cannot be read: {error} "
            "Move it out of the folder."
        ) from error


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _listed(column: pa.Array) -> pa.ListArray:
    """Return a list of one value for each value, and null for null; strings become bytes, as in tf.Examples."""
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    there = np.asarray(column.is_valid())
    offsets = np.concatenate([[0], np.cumsum(there)]).astype(np.int32)
    # A null offset makes the list that begins there null.
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(~there, False)), column.drop_null())
