"""Find the rows that break a rule of the contract: how many they are, and the values of the first."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts
from tfx_bsl.coders import example_coder

from components.anomaly_gate.findings import Finding
from components.anomaly_gate.observations import GAPS, OTHER_SHAPE, TOO_GREAT, TOO_SMALL, UNKNOWN_STRINGS, format_number
from components.artifact_files import list_split_files
from components.tfrecords import read_chunks
from serving.contract.domains import known_strings, number_range

_MORE_COLUMNS = 4  # of the first row, in addition to the column of the finding
_LONGEST = 40  # characters of a shown text

FindBroken = Callable[[pa.Array], np.ndarray]  # the values of a column, a list per row -> whether a row breaks the rule


def locate_rows(
    found: Sequence[Finding], examples: standard_artifacts.Examples, schema: schema_pb2.Schema
) -> list[Finding]:
    """Return the findings with the exact number of rows and the first row, where the rule is about single rows.

    Args:
        found: the findings.
        examples: the rows of every split, as our ExampleGen writes them: tf.Examples in gzipped TFRecords.
        schema: the contract.
    """
    rules = {feature.name: feature for feature in schema.feature}
    located = list(found)
    for split in dict.fromkeys(finding.split for finding in found):
        searches = {
            place: _Search(finding.feature, broken)
            for place, finding in enumerate(found)
            if finding.split == split and (broken := _make_test(finding, rules.get(finding.feature), schema))
        }
        rows = 0
        for batch in _read_batches(examples, split) if searches else ():
            rows += len(batch)
            for search in searches.values():
                search.add(batch, list(rules))
        for place, search in searches.items():
            if search.count:
                located[place] = dataclasses.replace(
                    found[place],
                    share=search.count / rows,
                    share_is_least=False,
                    of_rows=rows,
                    first_row=search.first,
                )
    return located


class _Search:
    """Counts the rows of a split that break one rule."""

    def __init__(self, column: str, broken: FindBroken):
        self._column, self._broken = column, broken
        self.count = 0
        self.first = ""  # the row's values, as text

    def add(self, batch: pa.RecordBatch, columns: Sequence[str]) -> None:
        """Count the rows of a batch; `columns` are those of the contract, in its order."""
        place = batch.schema.get_field_index(self._column)
        values = pa.nulls(len(batch), pa.large_list(pa.int64())) if place < 0 else batch.column(place)
        if pa.types.is_null(values.type):
            values = values.cast(pa.large_list(pa.int64()))
        rows = np.flatnonzero(self._broken(values))
        if len(rows) and not self.count:
            self.first = _describe_row(batch, int(rows[0]), self._column, columns)
        self.count += len(rows)


def _read_batches(examples: standard_artifacts.Examples, split: str) -> Iterator[pa.RecordBatch]:
    for chunk in read_chunks(list_split_files(examples, split)):
        # Without a schema, so that values of another type than the contract's can be read.
        yield example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(chunk.tolist())


def _make_test(finding: Finding, rule: schema_pb2.Feature | None, schema: schema_pb2.Schema) -> FindBroken | None:
    """Return a function that finds the rows that break the rule; None if the rule is not about single rows."""
    if rule is None:
        return None
    if finding.rule in (*TOO_GREAT, *TOO_SMALL):
        low, high = number_range(rule) or (float("-inf"), float("inf"))
        great = finding.rule in TOO_GREAT
        return lambda column: _any_number(
            column, lambda values: pc.greater(values, high) if great else pc.less(values, low)
        )
    if finding.rule == UNKNOWN_STRINGS:
        known = pa.array([text.encode() for text in known_strings(rule, schema)], pa.large_binary())
        return lambda column: _any_value(
            column, lambda values: pc.invert(pc.is_in(values.cast(pa.large_binary()), value_set=known))
        )
    if finding.rule in GAPS:
        return lambda column: _lengths(column) == 0
    if finding.rule == OTHER_SHAPE and [dim.size for dim in rule.shape.dim] == [1]:
        return lambda column: _lengths(column) != 1
    return None


def _lengths(column: pa.Array) -> np.ndarray:
    return pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)


def _any_number(column: pa.Array, broken: Callable[[pa.Array], pa.Array]) -> np.ndarray:
    if pa.types.is_large_binary(column.type.value_type):
        return np.zeros(len(column), bool)  # another finding is about the type
    return _any_value(column, broken)


def _any_value(column: pa.Array, broken: Callable[[pa.Array], pa.Array]) -> np.ndarray:
    """Return for each row whether any of its values is broken."""
    rows = np.zeros(len(column), bool)
    found = pc.fill_null(broken(pc.list_flatten(column)), fill_value=False)
    rows[pc.list_parent_indices(column).to_numpy()[found.to_numpy(zero_copy_only=False)]] = True
    return rows


def _describe_row(batch: pa.RecordBatch, row: int, column: str, columns: Sequence[str]) -> str:
    """Return the values of a row: that of the column first, then some others in the contract's order."""
    (values,) = batch.slice(row, 1).to_pylist()
    others = [name for name in columns if name != column and values.get(name)]
    shown = [column, *others[:_MORE_COLUMNS]] if values.get(column) else others[:_MORE_COLUMNS]
    return ", ".join(f"{name} {' '.join(map(_describe_value, values[name]))}" for name in shown)


def _describe_value(value: bytes | float) -> str:
    if isinstance(value, bytes):
        text = value.decode(errors="replace")
        return repr(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…")
    return format_number(value)
