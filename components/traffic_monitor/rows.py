"""Examples and logged answers as samples.

Reads at most SAMPLE_ROWS of a set of rows, evenly spread over it: so many show every change that matters, and what a
window costs stays bounded.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import tfrecords
from components.traffic_monitor.samples import Column, Sample
from serving.contract.missing_values import in_float32
from serving.request_log.columns import OWN_COLUMNS
from serving.request_log.encoding import hashed

SAMPLE_ROWS = 20_000
_TIME_BOUND, _DATE = "time_bound", "date:"  # tags of a column of the contract


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watched:
    """How a column of the contract is watched."""

    name: str
    ordered: bool  # numbers to compare; False: categories, codes and hashes
    hidden: str = ""  # "hashed" or "dropped" by the log; empty: logged as it came
    time_bound: bool = False  # its values depend on the date: those of a window differ from those of training


def watched_columns(contract: schema_pb2.Schema, hashes: Sequence[str], dropped: Sequence[str]) -> list[Watched]:
    """Says of each column of a request how it is watched.

    Args:
        contract: the columns of a request, those that the log leaves out or not.
        hashes: columns of which the log holds hashes.
        dropped: columns that the log leaves out.
    """
    named = {feature.name for feature in contract.feature}
    gone = [name for name in dropped if name not in named and name not in OWN_COLUMNS]
    return [
        Watched(
            name=feature.name,
            ordered=_is_ordered(feature) and feature.name not in hashes,
            hidden="hashed" if feature.name in hashes else "dropped" if feature.name in dropped else "",
            time_bound=any(tag == _TIME_BOUND or tag.startswith(_DATE) for tag in feature.annotation.tag),
        )
        for feature in contract.feature
    ] + [Watched(name=name, ordered=False, hidden="dropped") for name in gone]


def choose(records: Sequence[bytes], limit: int = SAMPLE_ROWS) -> np.ndarray:
    """Places of at most `limit` records, evenly spread, [rows] int."""
    if len(records) <= limit:
        return np.arange(len(records))
    return np.arange(limit) * len(records) // limit


def read_split(examples: Sequence[Path], split: str) -> list[bytes]:
    """Reads the tf.Examples of a split, in the order of artifacts and files; none where there is no such split."""
    files = [str(file) for folder in examples for file in sorted((folder / f"Split-{split}").glob("*"))]
    return tfrecords.read_records(files) if files else []


def make_sample(
    records: Sequence[bytes], columns: Sequence[Watched], name: str, requests: np.ndarray | None = None
) -> Sample:
    """Decodes tf.Examples.

    Args:
        records: serialized.
        columns: dropped ones are left out.
        name: of the sample.
        requests: of each record, [records]; None: each by itself.
    """
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(list(records)) if records else None
    found = {one.name: _column(one, batch, len(records)) for one in columns if one.hidden != "dropped"}
    if requests is not None and len(np.unique(requests)) == len(records):
        requests = None
    return Sample(name=name, rows=len(records), columns=found, requests=requests)


def hide(sample: Sample, columns: Sequence[Watched], key: bytes | None) -> Sample:
    """Makes the columns of training rows look as the log shows them.

    Args:
        sample: of rows as they came.
        columns: how the log shows them.
        key: of the hashes; None: hashed columns keep no values, only whether there is one.
    """
    changed = {one.name: _hashed(sample.columns[one.name], key) for one in columns if one.hidden == "hashed"}
    return dataclasses.replace(sample, columns={**sample.columns, **changed})


def _is_ordered(feature: schema_pb2.Feature) -> bool:
    if feature.type == schema_pb2.FeatureType.BYTES:
        return False
    return not feature.int_domain.is_categorical


def _column(watched: Watched, batch: pa.RecordBatch | None, rows: int) -> Column:
    place = -1 if batch is None else batch.schema.get_field_index(watched.name)
    present = np.zeros(rows, bool)
    if batch is None or place < 0 or pa.types.is_null(batch.column(place).type):
        return Column(name=watched.name, ordered=watched.ordered, values=np.zeros(rows), present=present)
    lists = batch.column(place)
    lengths = np.diff(np.asarray(lists.offsets))
    if lists.null_count:
        lengths[np.asarray(lists.is_null())] = 0
    present = lengths > 0
    flat = lists.flatten().to_numpy(zero_copy_only=False)
    # Of several values in a row the first.
    firsts = flat[(np.cumsum(lengths) - lengths)[present]]
    values = np.full(rows, b"", dtype=object) if flat.dtype == object else np.zeros(rows, flat.dtype)
    values[present] = firsts
    return Column(name=watched.name, ordered=watched.ordered, values=values, present=present)


def _hashed(column: Column, key: bytes | None) -> Column:
    if key is None:
        return dataclasses.replace(column, ordered=False)
    plain = _as_logged(column.values)
    values = np.full(len(column.values), b"", dtype=object)
    known: dict[object, bytes] = {}
    for place in np.flatnonzero(column.present):
        value = plain(column.values[place])
        values[place] = known.get(value) or known.setdefault(value, hashed(key, column.name, value).encode())
    return dataclasses.replace(column, ordered=False, values=values)


def _as_logged(values: np.ndarray) -> Callable[[object], str | int | float]:
    if values.dtype == object:
        return lambda value: value.decode() if isinstance(value, bytes) else str(value)
    if values.dtype.kind == "f":
        return lambda value: in_float32(float(value))  # type: ignore[arg-type]
    return lambda value: int(value)  # type: ignore[call-overload]
