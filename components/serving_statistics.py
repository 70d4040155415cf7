"""Reads the gateway's request log (serving/request_log/writer.py) into the form and the statistics that TFDV takes.

Reads:  the log's Parquet files of a time span; rows that the model answered.
Gives:  record batches encoded as the pipeline's Examples are: one value in a list; a missing value is null, never an
        empty list, so that training and serving count missing values alike. And statistics of them.
Raises: RequestLogError.

Held against the contract, and against the rows of training::

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

_ANSWERED = 200  # HTTP status of a request that the model answered; others are asked again, and would count twice
_BATCH_ROWS = 8192


class RequestLogError(ValueError):
    """The log holds no rows of the span, or files that cannot be put together."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoggedSpan:
    """The rows of a time span that a model answered."""

    files: tuple[Path, ...]  # that may hold such rows
    start: datetime.datetime | None  # first moment, with time zone; None for the log's first
    end: datetime.datetime | None  # first moment after the span, with time zone; None for no end
    model_version: int | None  # rows that this version answered; None for any
    hashed: frozenset[str]  # columns of which the log holds hashes
    dropped: frozenset[str]  # columns that the log leaves out
    answers: tuple[frozenset[str], tuple[Value, ...]]  # columns of an answer, and classes; they tell the kind of task

    def record_batches(self) -> Iterator[pa.RecordBatch]:
        """Yields the features of the rows: list<int64>, list<float> or list<binary>; hashed ones are list<binary>.

        A feature that is missing in all rows of a batch is no column of it, as in batches of tf.Examples.
        """
        for file in self.files:
            yield from self._batches(str(file))

    def statistics(
        self, contract: schema_pb2.Schema, *, beam_args: Sequence[str]
    ) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Statistics of the rows, made as StatisticsGen makes them: with the contract.

        Args:
            contract: what the rows keep.
            beam_args: how Beam runs, such as LocalEngine().beam_args() gives.

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
        """The contract as far as the log shows whether it is kept.

        A dropped feature is not in it. Of a hashed one remain its presence, and drift between two spans of the log:
        equal values have equal hashes, but ranges, domains and the values of training cannot be compared with hashes.
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
        """The contract for the statistics of training, with skew_comparators where the log has values to compare."""
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
    """Finds the files of a time span; a file that is still being written is not among them.

    Args:
        folder: the log's folder.
        start: first moment, with time zone; None for the log's first.
        end: first moment after the span, with time zone; None for no end.
        model_version: only rows that this version answered; None for any.

    Raises:
        RequestLogError: There is no file, or one that cannot be read; a time without time zone; files that differ in
            what they drop or hash, in the type of a column or in the kind of task; the model's version is asked for but
            not logged.
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
    """One value -> a list of it, null -> null; strings as bytes, as tf.Examples hold them."""
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    there = np.asarray(column.is_valid())
    offsets = np.concatenate([[0], np.cumsum(there)]).astype(np.int32)
    # A null among the offsets makes the list that begins there null.
    return pa.ListArray.from_arrays(pa.array(offsets, mask=np.append(~there, False)), column.drop_null())
