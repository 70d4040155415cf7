"""The contract of a new task: TFDV's proposal for its rows, with this project's conventions.

TFDV says types, which columns every row has, and which texts a column of few different ones holds. What it never
infers is added: environments, ranges, how much may be missing, comparators, the spelling of "missing", examples.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory
from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold import chance
from pipelines.scaffold.columns import ProfiledColumn
from pipelines.scaffold.question import Question
from pipelines.scaffold.source import Source
from serving.contract.domains import known_strings
from serving.csv_text.number_formats import NumberFormat

MISSING_NUMBER = -(2**53)  # the spelling of a missing number: exact in int64, float32 and JSON's doubles
_ARROW = {CellKind.INT: pa.int64(), CellKind.FLOAT: pa.float32(), CellKind.BYTES: pa.binary()}
_KNOWN_SHARE = 0.95  # of a column's values: beyond one unknown in twenty somebody renamed them


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContractFeature:
    """A column of the contract, as the template writes it."""

    name: str
    type: str  # of the Schema
    comment: str  # for people who call the model
    example: str | None  # of one real row
    required: bool
    min_fraction: float | None  # of the rows that have it, where it is not required
    low: int | float | None  # None, too, where no range can be told
    high: int | float | None
    is_categorical: bool  # whether whole numbers are names: their mean says nothing, and how often each comes does
    served: bool  # whether a request holds it
    written: str  # format of a date, see serving.contract.dates; empty for what is none
    known: tuple[str, ...]
    tags: tuple[str, ...]  # how its numbers are written, where it is not as programs do
    known_share: float  # of the values that have to be among the known
    comparator: float | None  # largest difference of a value's share; None, too, where chance would cross any


def propose_features(source: Source, question: Question, columns: list[ProfiledColumn]) -> list[ContractFeature]:
    """Proposes the contract of each column but the label's, in the file's order."""
    proposal = infer_schema(source)
    proposed = {feature.name: feature for feature in proposal.feature}
    example = _choose_example_row(source, question)
    known = {
        column.name: _propose_domain(proposed.get(column.name), proposal, source) if column.is_closed else ()
        for column in columns
    }
    # Every rule that chance could break has the same part of what the whole contract may refuse by mistake.
    rules = 2 * sum(map(bool, known.values())) + sum(column.missing > 0 for column in columns if column.features)
    budget = chance.FALSE_ALARMS / max(rules, 1)
    return [
        _propose_feature(column, proposed.get(column.name), known[column.name], source, example, budget)
        for column in columns
    ]


def infer_schema(source: Source) -> schema_pb2.Schema:
    """Infers the schema with TFDV; it leaves out columns without any value."""
    arrays = {}
    for name, kind in source.kinds.items():
        if kind is not CellKind.EMPTY:
            values = source.table[name]
            cells = [None if pd.isna(cell) else [_encode(cell)] for cell in values]
            arrays[name] = pa.array(cells, pa.large_list(_ARROW[kind]))
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
    statistics = generate_statistics_in_memory(batch, tfdv.StatsOptions())
    return tfdv.infer_schema(statistics, infer_feature_shape=True)


def propose_range(least: int | float, greatest: int | float, kind: CellKind) -> tuple[int | float, int | float] | None:
    """Proposes bounds from known values: on either side as much room as the values span.

    Meant to let other rows pass and to stop another unit; a quantity that is never below 0 stays there. None where
    the spelling of a missing number would lie within, or TFDV's doubles would take neighbouring numbers for one.
    """
    span = greatest - least or max(abs(greatest), 1)
    low, high = _round_outward(least - span, math.floor), _round_outward(greatest + span, math.ceil)
    if least >= 0:
        low = 0.0
    if greatest <= 0:
        high = 0.0
    if low <= MISSING_NUMBER or high >= -MISSING_NUMBER:
        return None
    return (int(low), int(high)) if kind is CellKind.INT else (low, high)


def _propose_feature(
    column: ProfiledColumn,
    proposed: schema_pb2.Feature | None,
    known: tuple[str, ...],
    source: Source,
    example: pd.Series,
    budget: float,
) -> ContractFeature:
    """Proposes one contract. What no feature is made of, numbers that are names, dates and lists may be others."""
    rows = len(source.table)
    present = rows - column.missing
    used = bool(column.features)
    counts = tuple(sorted(source.table[column.name].value_counts())) if known else ()
    fades = used and present > 0 and chance.halving_probability(present, rows) <= budget
    bounds = None
    if column.is_closed and column.least is not None and column.greatest is not None:
        bounds = propose_range(column.least, column.greatest, column.kind)
    cell = example[column.name]
    return ContractFeature(
        name=column.name,
        type="BYTES" if proposed is None else schema_pb2.FeatureType.Name(proposed.type),
        comment=_describe(column.heading, source.formats.get(column.name)),
        example=None if pd.isna(cell) else _format_cell(cell, column.kind),
        required=used and column.missing == 0,
        min_fraction=math.floor(50 * present / rows) / 100 if fades else None,
        low=bounds[0] if bounds else None,
        high=bounds[1] if bounds else None,
        is_categorical=used and column.is_code and column.kind is CellKind.INT,
        served=used,
        written=column.written,
        known=known,
        known_share=_KNOWN_SHARE if known and chance.surprise_probability(counts, 1 - _KNOWN_SHARE) <= budget else 0,
        comparator=chance.propose_threshold(counts, budget) if known else None,
        tags=source.formats[column.name].tags if column.name in source.formats else (),
    )


def _propose_domain(
    proposed: schema_pb2.Feature | None, proposal: schema_pb2.Schema, source: Source
) -> tuple[str, ...]:
    """Returns the texts that TFDV proposes as a column's domain; none where one of them is no value of the column.

    TFDV counts all texts of more than 1,024 bytes as one, by a name of its own, which it then proposes as well.
    """
    if proposed is None:
        return ()
    known = known_strings(proposed, proposal)
    return tuple(sorted(known)) if known and known <= {*source.table[proposed.name].dropna()} else ()


def _describe(heading: str, written: NumberFormat | None) -> str:
    """Describes a value for people who call the model; its unit is the sign that cells have and a request has not."""
    words = heading.strip().replace("_", " ")
    return f"{words}, in {written.sign}" if written and written.sign else words


def _choose_example_row(source: Source, question: Question) -> pd.Series:
    """Chooses the first of the rows with the fewest missing values."""
    others = source.table.drop(columns=question.label)
    return others.iloc[int(np.argmin(others.isna().sum(axis=1).to_numpy()))]


def _format_cell(cell: Any, kind: CellKind) -> str:
    return str(int(cell)) if kind is CellKind.INT else repr(float(cell)) if kind is CellKind.FLOAT else str(cell)


def _encode(cell: object) -> object:
    return cell.encode() if isinstance(cell, str) else cell


def _round_outward(value: float, rounding: Callable[[float], int]) -> float:
    """Rounds to two significant digits, away from the values."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{rounding(value / step) * step:.2g}")
