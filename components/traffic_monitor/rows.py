"""Read Examples as samples of rows.

At most SAMPLE_ROWS of a set of rows are kept, evenly spread over it, which is enough to find every change that matters.
The others are read and dropped, so that memory does not grow with the set.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from components import tfrecords
from components.artifact_files import list_files
from components.traffic_monitor.samples import Column, Sample
from serving.contract.missing_values import in_float32
from serving.request_log.columns import OWN_COLUMNS
from serving.request_log.encoding import hashed

SAMPLE_ROWS = 20_000
_TIME_BOUND, _DATE = "time_bound", "date:"  # tags of a column of the contract


@dataclasses.dataclass(frozen=True, kw_only=True)
class Watched:
    """A column of the contract, and how it can be watched."""

    name: str
    ordered: bool  # numbers that can be compared by size; False for categories, codes and hashes
    hidden: str = ""  # "hashed" or "dropped" by the log; empty if it is logged unchanged
    time_bound: bool = False  # its values depend on the date, so those of a window differ from those of training


def watched_columns(contract: schema_pb2.Schema, hashes: Sequence[str], dropped: Sequence[str]) -> list[Watched]:
    """Return how each column of a request can be watched.

    Args:
        contract: the columns of a request, with or without those that the log leaves out.
        hashes: columns that the log holds as hashes.
        dropped: columns that the log leaves out.
    """
    named = {feature.name for feature in contract.feature}
    others = [name for name in dropped if name not in named and name not in OWN_COLUMNS]
    return [
        Watched(
            name=feature.name,
            ordered=_is_ordered(feature) and feature.name not in hashes,
            hidden="hashed" if feature.name in hashes else "dropped" if feature.name in dropped else "",
            time_bound=any(tag == _TIME_BOUND or tag.startswith(_DATE) for tag in feature.annotation.tag),
        )
        for feature in contract.feature
    ] + [Watched(name=name, ordered=False, hidden="dropped") for name in others]


def choose(rows: int, limit: int = SAMPLE_ROWS) -> np.ndarray:
    """Return the positions of at most `limit` of `rows` rows, evenly spread, int [chosen rows].

    Args:
        rows: number of rows.
        limit: number of positions.

    Example:
        >>> choose(10, limit=4).tolist(), choose(3, limit=4).tolist()
        ([0, 2, 5, 7], [0, 1, 2])
    """
    return np.arange(rows) if rows <= limit else np.arange(limit) * rows // limit


def choose_of_requests(requests: np.ndarray, limit: int = SAMPLE_ROWS) -> np.ndarray:
    """Return the positions of at most `limit` rows, evenly spread, one of each request; int [chosen rows], ascending.

    Rows of one request resemble each other, so they are not independent. Which row of a request is chosen is random but
    the same each time; it is not always the first, because a caller may sort the rows.

    Args:
        requests: the request of each row, [rows].
        limit: number of positions.
    """
    shuffled = np.random.default_rng(0).permutation(len(requests))
    _, firsts = np.unique(requests[shuffled], return_index=True)
    places = np.sort(shuffled[firsts])
    return places[choose(len(places), limit)]


def read_sample(examples: Sequence[str], split: str, limit: int = SAMPLE_ROWS) -> list[bytes]:
    """Read at most `limit` tf.Examples of a split, evenly spread.

    Args:
        examples: folders of the artifacts; their order and that of their files is kept.
        split: name.
        limit: number of records. At most twice as many and one chunk are in memory.

    Returns:
        Serialized tf.Examples; none if there is no such split.
    """
    kept: list[bytes] = []
    step, rows = 1, 0  # every step-th row is kept
    for chunk in _read_chunks(examples, split):
        kept += chunk[-rows % step :: step].tolist()
        rows += len(chunk)
        while len(kept) > 2 * limit:
            kept, step = kept[::2], 2 * step
    return [kept[place] for place in choose(len(kept), limit)]


def read_places(examples: Sequence[str], split: str, places: np.ndarray) -> list[bytes]:
    """Read the tf.Examples of a split at some positions.

    Args:
        examples: folders of the artifacts, as in `read_sample`.
        split: name.
        places: positions from 0, ascending, [chosen rows] int.

    Returns:
        Serialized tf.Examples.

    Raises:
        ValueError: The split has too few rows for the last position.
    """
    kept: list[bytes] = []
    rows = 0
    for chunk in _read_chunks(examples, split):
        first, last = np.searchsorted(places, (rows, rows + len(chunk)))
        kept += chunk[places[first:last] - rows].tolist()
        rows += len(chunk)
    if len(kept) < len(places):
        raise ValueError(f"split {split}: expected at least {places[-1] + 1} rows, received {rows}")
    return kept


def _read_chunks(examples: Sequence[str], split: str) -> Iterator[np.ndarray]:
    files = [file for folder in examples for file in list_files(os.path.join(folder, f"Split-{split}"))]
    return tfrecords.read_chunks(files) if files else iter(())


def make_sample(records: Sequence[bytes], columns: Sequence[Watched], name: str) -> Sample:
    """Decode tf.Examples to a sample.

    Args:
        records: serialized tf.Examples.
        columns: the columns to decode; dropped ones are left out.
        name: of the sample.

    Returns:
        The sample. If a row has several values in a column, it holds the first.
    """
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(list(records)) if records else None
    found = {one.name: _column(one, batch, len(records)) for one in columns if one.hidden != "dropped"}
    return Sample(name=name, rows=len(records), columns=found)


def hide(sample: Sample, columns: Sequence[Watched], key: bytes | None) -> Sample:
    """Convert the columns of training rows to what the log would hold.

    Args:
        sample: of rows with plain values.
        columns: say which columns the log hashes.
        key: of the hashes; None: hashed columns keep no values, only whether there is one.

    Returns:
        The sample with hashes instead of plain values.
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
    firsts = flat[(np.cumsum(lengths) - lengths)[present]]
    values = np.full(rows, b"", dtype=object) if flat.dtype == object else np.zeros(rows, flat.dtype)
    values[present] = firsts
    return Column(name=watched.name, ordered=watched.ordered, values=values, present=present)


def _hashed(column: Column, key: bytes | None) -> Column:
    if key is None:
        return dataclasses.replace(column, ordered=False, values=np.zeros(len(column.values)))
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
