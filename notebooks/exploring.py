"""Explores raw rows beyond the statistics of a run."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from pipelines.evaluation import bootstrap
from pipelines.evaluation.slices import Slice, in_slice
from serving.contract.domains import known_strings

_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "infinity norm",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon divergence",
    anomalies_pb2.DriftSkewInfo.Measurement.NORMALIZED_ABSOLUTE_DIFFERENCE: "normalised difference",
}


def tabulate_contract(schema: schema_pb2.Schema) -> pd.DataFrame:
    """Tabulates the contract: one row per column of the data, with its type, presence, values and drift limit."""
    rows = {feature.name: _describe_feature(feature, schema) for feature in schema.feature}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")


def measure_drift(rows: pd.DataFrame, parts: pd.Series, schema: schema_pb2.Schema) -> pd.DataFrame:
    """Measures the drift of each part of the rows from the one before, by the contract's measures, with TFDV.

    Args:
        rows: raw rows.
        parts: what part each row belongs to, such as its quarter; compared in sorted order.
        schema: the contract; columns without a drift_comparator are left out.

    Returns:
        Columns part, column, measure, distance, threshold (above it, the pipeline stops) and share (distance over
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
    return pd.DataFrame(found).assign(share=lambda table: table["distance"] / table["threshold"])


def measure_shares(rows: pd.DataFrame, hits: np.ndarray, slices: Mapping[str, Slice]) -> pd.DataFrame:
    """Measures the share of hits in the rows of each slice, with 95% bootstrap intervals.

    Args:
        rows: raw rows.
        hits: 0 or 1, [rows], such as the label.
        slices: by name, as Run.slices gives them.

    Returns:
        Columns slice, rows, value, low and high, as `charts.plot_slices` takes them, the least share first.
    """
    found = []
    for name, where in slices.items():
        inside = hits[in_slice(rows, where)]
        if len(inside):
            one = bootstrap.estimate_intervals(inside, inside, {"share": _share})["share"]
            found.append({"slice": name, "rows": len(inside), **dataclasses.asdict(one)})
    return pd.DataFrame(found).sort_values("value", ignore_index=True)


def _share(labels: np.ndarray, _: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes the share of the rows with label 1; a metric as in pipelines.evaluation.weighted_metrics."""
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
    """Converts pandas' nullable integers to objects, None where missing, as TFDV takes them."""
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
