"""Explore raw rows in more detail than a run's statistics do."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from pipelines import charts
from pipelines.evaluation import bootstrap
from pipelines.evaluation.slices import Slice, in_slice
from serving.contract.dates import EPOCHS, find_format, parse
from serving.contract.domains import known_strings
from serving.contract.span_time import find_time_format

_LEAST_PERIODS = 4

_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "infinity norm",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon divergence",
    anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalised difference",
}


def tabulate_contract(schema: schema_pb2.Schema) -> pd.DataFrame:
    """Return the contract as a table: one row per column, with type, presence, values and drift threshold."""
    rows = {feature.name: _describe_feature(feature, schema) for feature in schema.feature}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")


def measure_drift(rows: pd.DataFrame, parts: pd.Series, schema: schema_pb2.Schema) -> pd.DataFrame:
    """Measure with TFDV how far each part of the rows drifts from the part before, by the contract's comparators.

    Args:
        rows: raw rows.
        parts: the part of each row, such as its quarter; parts are compared in sorted order.
        schema: the contract; columns without a drift_comparator are left out.

    Returns:
        Columns part, column, measure, distance, threshold (the pipeline stops above it) and share (distance divided by
        threshold).
    """
    options = tfdv.StatsOptions(schema=schema)
    found, before = [], None
    for part, of_part in rows.groupby(parts, sort=True):
        present = _to_tfdv_types(of_part.dropna(axis="columns", how="all"))
        statistics = tfdv.generate_statistics_from_dataframe(present, stats_options=options)
        if before is not None:
            checked = tfdv.validate_statistics(statistics, schema, previous_statistics=before)
            found += [{"part": part, **row} for info in checked.drift_skew_info for row in _list_measurements(info)]
        before = statistics
    table = pd.DataFrame(found, columns=["part", "column", "measure", "distance", "threshold"])
    table = table.astype({"distance": "float64", "threshold": "float64"})  # also if there are no rows
    return table.assign(share=table["distance"] / table["threshold"])


def measure_means(rows: pd.DataFrame, values: np.ndarray, slices: Mapping[str, Slice]) -> pd.DataFrame:
    """Compute the mean of a number over the rows of each slice, with 95% bootstrap intervals.

    Args:
        rows: raw rows.
        values: [rows], such as the label; 0 or 1 for the share of a class.
        slices: by name, as Run.slices returns them.

    Returns:
        Columns slice, rows, value, low and high, which `charts.plot_slices` accepts; the smallest mean comes first.
    """
    found = []
    for name, where in slices.items():
        inside = values[in_slice(rows, where)]
        if len(inside):
            one = bootstrap.estimate_intervals(inside, inside, {"mean": _mean})["mean"]
            found.append({"slice": name, "rows": len(inside), **dataclasses.asdict(one)})
    return pd.DataFrame(found).sort_values("value", ignore_index=True)


def compare_presence(rows: pd.DataFrame, columns: Iterable[str], views: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Compare the rows that lack a column's value with the rows that have one.

    Args:
        rows: raw rows.
        columns: the columns to compare by.
        views: name of a mean -> the number of each row, as problem_kinds.view_labels returns them.

    Returns:
        One row per column: the number of rows without a value, and each mean over the rows without and with one.
    """
    found = {}
    for name in columns:
        gone = rows[name].isna().to_numpy()
        means = {
            (view, word): values[inside].mean() if inside.any() else np.nan
            for view, values in views.items()
            for word, inside in (("missing", gone), ("present", ~gone))
        }
        found[name] = {("rows", "missing"): int(gone.sum()), **means}
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis("column")
    return table.set_axis(pd.MultiIndex.from_tuples(table.columns), axis="columns") if found else table


def find_most_different(one: pd.DataFrame, other: pd.DataFrame, count: int) -> dict[str, pd.DataFrame]:
    """Return the columns whose distributions differ most between two sets of rows: name -> distribution frame.

    Args:
        one: raw rows.
        other: likewise.
        count: the most columns to return.
    """
    frames = {}
    for name in one:
        frame = charts.make_distribution_frame({"train": one[name], "eval": other[name]})
        if len(frame):
            frames[name] = frame
    distances = {name: _measure_distance(frame) for name, frame in frames.items()}
    return {name: frames[name] for name in sorted(frames, key=lambda name: distances[name], reverse=True)[:count]}


def find_time_column(schema: schema_pb2.Schema) -> tuple[str, str] | None:
    """Return the contract's time column and the format of its times, or None if it has no time column.

    The tag `span_time` marks the column. Without that tag it is the first column with a tag `date:…`.
    """
    for find in (find_time_format, find_format):
        for feature in schema.feature:
            written = find(feature.name, feature.annotation.tag, schema_pb2.FeatureType.Name(feature.type))
            if written:
                return feature.name, written
    return None


def cut_into_periods(times: pd.Series, written: str) -> pd.Series:
    """Assign each row to a quarter, month, week or day: the longest unit that gives 4 periods or more, else the day.

    Args:
        times: the values of the contract's time column.
        written: their format, as `find_time_column` returns it.

    Returns:
        Text such as "2014Q1", with the index of `times`; None for a row without a time.
    """
    moments = _parse_times(times, written)
    for unit in ("Q", "M", "W", "D"):
        periods = moments.dt.to_period(unit)
        if periods.nunique() >= _LEAST_PERIODS or unit == "D":
            break
    return periods.astype(str).where(moments.notna(), None)


def _parse_times(times: pd.Series, written: str) -> pd.Series:
    if written in EPOCHS:
        return pd.to_datetime(times.astype("Float64") / EPOCHS[written], unit="s")
    days = [None if pd.isna(value) or (found := parse(str(value), written)) is None else found.date for value in times]
    return pd.Series(pd.to_datetime(days), index=times.index)


def _measure_distance(frame: pd.DataFrame) -> float:
    """Return the distance of two distributions: the largest difference in the share of one value or bin."""
    key = "value" if "value" in frame else "from"
    shares = frame.pivot_table(index=key, columns="rows", values="share", aggfunc="sum").fillna(0.0)
    return float((shares.max(axis=1) - shares.min(axis=1)).max()) if shares.shape[1] > 1 else 0.0


def _mean(labels: np.ndarray, _: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Compute the mean of the labels. The arguments are those of pipelines.evaluation.weighted_metrics."""
    return weights @ labels / weights.sum(axis=1)


def _describe_feature(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> dict[str, object]:
    domain = feature.WhichOneof("domain_info")
    numbers = getattr(feature, domain) if domain in ("int_domain", "float_domain") else None
    strings = known_strings(feature, schema)
    least, most = (getattr(numbers, end) if numbers and numbers.HasField(end) else None for end in ("min", "max"))
    limits = [
        f"{name.replace('_', ' ')} {getattr(feature.drift_comparator, name).threshold:g}"
        for name in ("infinity_norm", "jensen_shannon_divergence")
        if feature.drift_comparator.HasField(name)
    ]
    return {
        "type": schema_pb2.FeatureType.Name(feature.type),
        "present in": f"{feature.presence.min_fraction:.0%} of rows or more",
        "values": f"{least:,g} to {most:,g}" if numbers else f"{len(strings)} known" if strings else "any",
        "drifts above": ", ".join(limits),
        "when serving": "absent" if "SERVING" in feature.not_in_environment else "sent",
    }


def _to_tfdv_types(rows: pd.DataFrame) -> pd.DataFrame:
    """Convert pandas' nullable integers to objects with None for missing values, which TFDV accepts."""
    nullable = [name for name, dtype in rows.dtypes.items() if str(dtype) == "Int64"]
    return rows.assign(**{name: rows[name].astype(object).where(rows[name].notna(), None) for name in nullable})


def _list_measurements(info: anomalies_pb2.DriftSkewInfo) -> list[dict[str, object]]:
    return [
        {
            "column": info.path.step[0],
            "measure": _MEASURES.get(one.type, "another measure"),
            "distance": one.value,
            "threshold": one.threshold,
        }
        for one in info.drift_measurements
    ]
