"""Describe the data of a run: rows, distributions, and comparison with the contract and with earlier data."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from components.anomaly_gate.findings import describe_finding
from components.anomaly_gate.observations import ObservedColumn
from components.csv_example_gen.float_precision import FLOAT32_ERRORS_PROPERTY
from pipelines import charts
from pipelines.nodes import EVAL, EXAMPLE_GEN, TRAIN
from pipelines.report.dates import to_dates, to_day_statistics
from pipelines.report.numbers import format_number, format_percent, format_year
from pipelines.report.span_course import describe_span_course
from pipelines.report.vega import Figure, make_figure
from pipelines.runs import Run
from pipelines.runs.errors import read_optional
from serving.contract import dates

BEFORE = "previously accepted"  # set of rows of which there are only statistics
# Of a split, at most: a share of 1% is then exact to 0.1% (two standard errors), and more rows take seconds and memory.
_PLOTTED_ROWS = 50_000
_MOST_ROUNDED = 3  # columns; an error is a share of the column's range
_HARMLESS = 1e-4  # share of the range
_LEAST_DRAWN = 0.05  # share of the rows: if the values of a bar chart cover fewer, a sentence replaces it
_DATE_TAG = "date:"  # see serving.contract.dates
_NUMBERS = ("min", "median", "mean", "max")


def describe_data(run: Run) -> dict[str, Any]:
    """Return the content of the section: counts, columns, distributions, vocabularies, anomalies.

    Args:
        run: The run to report on.

    Raises:
        RunError: The run has no statistics.
    """
    table = run.statistics_table()
    before = read_optional(run.previous_statistics)
    previous = {_name(one): one for dataset in before.datasets for one in dataset.features} if before else {}
    every = {split: max(1, -(-run.summary["rows"].get(split, 0) // _PLOTTED_ROWS)) for split in (TRAIN, EVAL)}
    rows = {split: run.rows(split, step) for split, step in every.items()}
    anomalies = read_optional(run.anomalies)
    return {
        "facts": [
            ("read from", run.summary["data"]),
            *((split, f"{count:,} rows") for split, count in run.summary["rows"].items()),
            *([("split", run.summary["split"])] if run.summary["split"] else []),
            *([("spans", describe_spans(run.summary["spans"]))] if run.summary["spans"] else []),
            *([("not read", ", ".join(run.summary["unread_files"]))] if run.summary["unread_files"] else []),
            *[("plotted", f"one row in {step} of {split}") for split, step in every.items() if step > 1],
            *describe_rounding(run.summary["nodes"]),
            *([(BEFORE, f"{int(before.datasets[0].num_examples):,} rows")] if before else []),
        ],
        "sets": [TRAIN, EVAL, *([BEFORE] if before else [])],
        "columns": [
            _describe_column(feature, table[table["feature"] == feature.name], rows, previous)
            for feature in run.schema.feature
            if feature.name in set(table["feature"])
        ],
        "vocabularies": [
            {"name": name, **one, "left_out_share": format_percent(one["left_out_share"])}
            for name, one in run.summary["vocabularies"].items()
        ],
        "differences": run.summary["schema_differences"] if read_optional(lambda: run.proposed_schema) else None,
        "course": describe_span_course(run) if run.summary["spans"] else [],
        "anomalies": None if anomalies is None else describe_anomalies(anomalies, run.schema, run.statistics),
    }


def describe_anomalies(
    anomalies: pd.DataFrame,
    schema: schema_pb2.Schema,
    read_statistics: Callable[[str], statistics_pb2.DatasetFeatureStatisticsList],
) -> list[dict[str, str]]:
    """Return feature, split and kind of each anomaly, and what was expected and observed, as AnomalyGate words it.

    Args:
        anomalies: The table of Run.anomalies.
        schema: The contract.
        read_statistics: Returns the statistics of a split.
    """
    rules = {feature.name: feature for feature in schema.feature}
    found = []
    for split, of_split in anomalies.groupby("split", sort=False):
        (dataset,) = read_statistics(str(split)).datasets
        seen = {_name(feature): feature for feature in dataset.features}
        for one in of_split.itertuples():
            column = ObservedColumn(
                name=one.feature, rule=rules.get(one.feature), seen=seen.get(one.feature), rows=dataset.num_examples
            )
            finding = describe_finding(column, one.kind, schema, one.description, split=str(split), contract="")
            found.append(
                {"feature": one.feature, "split": str(split), "kind": one.kind, "difference": finding.difference}
            )
    return found


def describe_spans(spans: Sequence[Mapping[str, Any]]) -> str:
    """Return the spans that the model was trained on; if only some were evaluated on, those are marked.

    Example:
        >>> old = {"span": "2014Q1", "version": 2, "eval": False}
        >>> new = {"span": "2014Q2", "version": 1, "eval": True}
        >>> describe_spans([old, new])
        '2014Q1 v2, 2014Q2 v1 (evaluated)'
    """
    mark = "" if all(one["eval"] for one in spans) else " (evaluated)"
    return ", ".join(f"{one['span']} v{one['version']}{mark if one['eval'] else ''}" for one in spans)


def describe_rounding(nodes: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return a line with the columns that float32 rounded most, from the nodes of a run's summary; none if none was."""
    outputs: Mapping[str, Any] = next((node["outputs"] for node in nodes if node["id"] == EXAMPLE_GEN), {})
    properties = outputs.get("examples", {}).get("properties", {})
    errors = json.loads(properties.get(FLOAT32_ERRORS_PROPERTY) or "{}")
    rounded = sorted((name for name in errors if errors[name]), key=lambda name: -errors[name])[:_MOST_ROUNDED]
    if not rounded:
        return []
    largest = ", ".join(f"{name} {errors[name]:.1g}" for name in rounded)
    harmless = ": too little to change a prediction noticeably" if errors[rounded[0]] < _HARMLESS else ""
    return [("rounded to float32", f"{largest} of the column's range{harmless}")]


def holds_codes(feature: schema_pb2.Feature) -> bool:
    """Return whether a column holds codes in whole numbers: those without a range in the contract that are no dates.

    Columns that the contract declares as categorical have statistics of strings, and do not depend on this guess.
    """
    is_date = any(tag.startswith(_DATE_TAG) for tag in feature.annotation.tag)
    domain = feature.int_domain
    has_range = domain.HasField("min") or domain.HasField("max")
    return feature.type == schema_pb2.INT and not has_range and not is_date


def _describe_column(
    feature: schema_pb2.Feature,
    table: pd.DataFrame,
    rows: dict[str, pd.DataFrame],
    previous: dict[str, statistics_pb2.FeatureNameStatistics],
) -> dict[str, Any]:
    name = feature.name
    by_split = {row["split"]: row for row in table.to_dict("records")}
    first = by_split.get(TRAIN) or next(iter(by_split.values()))
    columns, before = {split: frame[name] for split, frame in rows.items()}, previous.get(name)
    written = dates.find_format(name, feature.annotation.tag, schema_pb2.FeatureType.Name(feature.type))
    has_strings = first["top"] is not None
    codes = not written and (has_strings or holds_codes(feature))
    if written:
        columns = {split: to_dates(column, written) for split, column in columns.items()}
        before = to_day_statistics(before, written) if before else None
        facts = _describe_dates(columns[next(iter(columns))])
    elif has_strings:
        facts = [
            ("values", format_number(first["unique"])),
            ("most frequent", f"{first['top']} ({format_percent(first['top_share'])})"),
        ]
    else:
        before = None if codes else before  # statistics of numbers do not say how often each code occurred
        bounds = np.array([first["min"], first["max"]], dtype=np.float64)
        years = first["type"] == "INT" and charts.are_years(bounds)
        shown = format_year if years else format_number
        facts = [(word, shown(first[word])) for word in _NUMBERS if pd.notna(first[word])]
    note = describe_scattered(columns[next(iter(columns))]) if codes else ""
    return {
        "name": name,
        "type": first["type"],
        "missing": describe_missing({split: row["missing_share"] for split, row in by_split.items()}, rows),
        "facts": facts,
        "note": note,
        "figure": None if note else _plot_distribution(name, columns, before, codes=codes),
    }


def _describe_dates(column: pd.Series) -> list[tuple[str, str]]:
    """Return the first and the last date of a column of datetime64."""
    if not column.notna().any():
        return []
    return [(word, f"{moment:%Y-%m-%d}") for word, moment in (("first", column.min()), ("last", column.max()))]


def describe_scattered(column: pd.Series) -> str:
    """Return a sentence about a column of strings or codes that has too many values to draw; empty if it has not.

    Args:
        column: The training rows' values.

    Example:
        >>> describe_scattered(pd.Series(["a", "b"] * 9)), describe_scattered(pd.Series(range(1322)))
        ('', 'Every training row has its own value.')
    """
    counts = column.dropna().astype(str).value_counts()
    rows, covered = int(counts.sum()), int(counts.head(charts.TOP_VALUES).sum())
    if not rows or covered >= _LEAST_DRAWN * rows:
        return ""
    if len(counts) == rows:
        return "Every training row has its own value."
    return (
        f"{len(counts):,} values: the {charts.TOP_VALUES} most frequent are in {covered / rows:.1%} of training rows."
    )


def describe_missing(shares: Mapping[str, float], splits: Iterable[str]) -> list[tuple[str, str, bool]]:
    """Return how much of a column is missing in each split: split, share as text, whether any value is missing.

    Args:
        shares: Share of rows without a value, by split. A split without any value of the column has no statistics in
            TFDV, and is not among them.
        splits: All splits.

    Example:
        >>> describe_missing({"train": 0.25}, ["train", "eval"])
        [('train', '25.0%', True), ('eval', '100.0%', True)]
    """
    every = {split: shares.get(split, 1.0) for split in (*splits, *shares)}
    return [(split, format_percent(share), share > 0) for split, share in every.items()]


def _plot_distribution(
    name: str, columns: Mapping[str, pd.Series], before: statistics_pb2.FeatureNameStatistics | None, *, codes: bool
) -> Figure | None:
    frame = charts.make_distribution_frame(columns, {BEFORE: before} if before else {}, codes=codes)
    return make_figure(f"{name}: share of rows", charts.plot_distribution(frame)) if len(frame) else None


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return feature.name or ".".join(feature.path.step)
