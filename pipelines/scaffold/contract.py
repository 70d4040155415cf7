"""Propose the contract of a new task: the schema that TFDV infers from its rows, with what TFDV does not infer.

TFDV infers types, required columns, and the values of a text column with few different ones. This module adds
environments, ranges, how much may be missing, comparators, the spelling of "missing", and examples.
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

MISSING_NUMBER = -(2**53)  # how a request says that a number is missing: exact in int64, float32 and JSON's doubles
_ARROW = {CellKind.INT: pa.int64(), CellKind.FLOAT: pa.float32(), CellKind.BYTES: pa.binary()}
_KNOWN_SHARE = 0.95  # of a column's values: if more than one in twenty is unknown, the values were probably renamed


@dataclasses.dataclass(frozen=True, kw_only=True)
class ContractFeature:
    """A column of the contract, as the template writes it."""

    name: str
    type: str  # of the Schema
    comment: str  # for people who call the model
    example: str | None  # value in one real row; None if it is missing there
    required: bool
    min_fraction: float | None  # share of the rows that must have a value; None for no rule
    low: int | float | None  # smallest valid number; None for no range
    high: int | float | None
    is_categorical: bool  # whether whole numbers are codes: TFDV then counts them, and computes no mean
    served: bool  # whether requests have the column
    written: str  # format of a date, see serving.contract.dates; empty for other columns
    known: tuple[str, ...]  # the valid texts; none where any text is valid
    tags: tuple[str, ...]  # format of its numbers; none for plain numbers
    known_share: float  # share of the values that must be known
    comparator: float | None  # largest difference of a value's share; None if any threshold fails by chance too often


def propose_features(source: Source, question: Question, columns: list[ProfiledColumn]) -> list[ContractFeature]:
    """Propose the contract of each column except the label's, in the file's order."""
    proposal = infer_schema(source)
    proposed = {feature.name: feature for feature in proposal.feature}
    example = _choose_example_row(source, question)
    known = {
        column.name: _propose_domain(proposed.get(column.name), proposal, source) if column.is_closed else ()
        for column in columns
    }
    # The rules that can fail by chance share the contract's probability of a false alarm equally.
    rules = 2 * sum(map(bool, known.values())) + sum(column.missing > 0 for column in columns if column.features)
    budget = chance.FALSE_ALARMS / max(rules, 1)
    return [
        _propose_feature(column, proposed.get(column.name), known[column.name], source, example, budget)
        for column in columns
    ]


def infer_schema(source: Source) -> schema_pb2.Schema:
    """Infer the schema with TFDV, without the columns that have no values."""
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
    """Propose a valid range: the values' range, extended on either side by its own width, then rounded outward.

    Bounds have two significant digits. If no value is negative, the range begins at 0; if none is positive, it ends at
    0. Other rows of the same unit are within it, values in another unit mostly are not.

    Args:
        least: Smallest known value.
        greatest: Largest known value.
        kind: INT for whole bounds, FLOAT otherwise.

    Returns:
        Smallest and largest valid number. None if the range would reach MISSING_NUMBER, or numbers of 2**53 and more,
        which TFDV's doubles do not tell apart.

    Example:
        >>> propose_range(20, 95, CellKind.INT)
        (0, 170)
        >>> propose_range(1905, 2021, CellKind.INT)
        (0, 2200)
        >>> propose_range(-1.5, 0.5, CellKind.FLOAT)
        (-3.5, 2.5)
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
    """Propose the contract of one column; unused columns, numeric codes, dates and lists get no range and no values."""
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
    """Return the texts that TFDV proposes as a column's domain; none if one of them is no value of the column.

    TFDV counts all texts of more than 1,024 bytes as one placeholder text, and proposes that placeholder too.
    """
    if proposed is None:
        return ()
    known = known_strings(proposed, proposal)
    return tuple(sorted(known)) if known and known <= {*source.table[proposed.name].dropna()} else ()


def _describe(heading: str, written: NumberFormat | None) -> str:
    """Describe the column for people who call the model, with the unit that the cells' sign says, such as `in €`."""
    words = heading.strip().replace("_", " ")
    return f"{words}, in {written.sign}" if written and written.sign else words


def _choose_example_row(source: Source, question: Question) -> pd.Series:
    """Return the first of the rows with the fewest missing values, without the label."""
    others = source.table.drop(columns=question.label)
    return others.iloc[int(np.argmin(others.isna().sum(axis=1).to_numpy()))]


def _format_cell(cell: Any, kind: CellKind) -> str:
    return str(int(cell)) if kind is CellKind.INT else repr(float(cell)) if kind is CellKind.FLOAT else str(cell)


def _encode(cell: object) -> object:
    return cell.encode() if isinstance(cell, str) else cell


def _round_outward(value: float, rounding: Callable[[float], int]) -> float:
    """Round to two significant digits, in the direction of `rounding`."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{rounding(value / step) * step:.2g}")
