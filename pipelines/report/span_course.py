"""Describe every column over the spans that a run was trained on: missing values, values, new values, drift."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from pipelines import charts
from pipelines.report.numbers import format_number, format_percent, format_year
from pipelines.report.vega import Figure, make_figure
from pipelines.runs import Run

_TOP = 5  # values of a column that are drawn
_DECILES = 10


def describe_span_course(run: Run) -> list[dict[str, Any]]:
    """Return one record per column of the contract, with figures over the spans.

    Args:
        run: The run to report on.

    Raises:
        RunError: The run was not trained on spans.
    """
    statistics = run.span_statistics()
    drift = measure_drift(list(statistics.values()), run.schema)
    spans = {
        name: ({_name(one): one for one in of.datasets[0].features}, of.datasets[0]) for name, of in statistics.items()
    }
    return [
        _describe_column(
            feature.name,
            {
                name: (features.get(feature.name), int(dataset.num_examples))
                for name, (features, dataset) in spans.items()
            },
            drift.get(feature.name),
        )
        for feature in run.schema.feature
    ]


def measure_drift(
    spans: Sequence[statistics_pb2.DatasetFeatureStatisticsList], schema: schema_pb2.Schema
) -> dict[str, tuple[list[float | None], float]]:
    """Measure the distance of each span from the previous one, as AnomalyGate does.

    Args:
        spans: Statistics of each span, the oldest first.
        schema: The contract.

    Returns:
        For each column with a drift comparator the distance of each span, None for the first; and the threshold.
    """
    found: dict[str, tuple[list[float | None], float]] = {}
    for place, (before, after) in enumerate(itertools.pairwise(spans), start=1):
        compared = tfdv.validate_statistics(after, schema, previous_statistics=before)
        for info in compared.drift_skew_info:
            for measured in info.drift_measurements:
                distances, _ = found.setdefault(info.path.step[-1], ([None] * len(spans), measured.threshold))
                distances[place] = measured.value
    return found


def count_new_values(spans: Sequence[statistics_pb2.FeatureNameStatistics | None]) -> list[tuple[int, float]] | None:
    """Count the values of each span that no earlier span has, and the rows with one of them.

    Args:
        spans: Statistics of a column of strings or codes, one per span; None if a span does not have the column.

    Returns:
        Values and rows of each span, 0 for the first. None if a span has more values than its statistics list, which
        are the 1,000 most frequent: new values are then not known.
    """
    if any(one is not None and one.string_stats.unique > len(_count_values(one)) for one in spans):
        return None
    seen: set[str] = set()
    counts = []
    for place, feature in enumerate(spans):
        values = _count_values(feature)
        new = [count for value, count in values.items() if value not in seen] if place else []
        counts.append((len(new), sum(new)))
        seen |= values.keys()
    return counts


def _describe_column(
    name: str,
    spans: Mapping[str, tuple[statistics_pb2.FeatureNameStatistics | None, int]],
    drift: tuple[list[float | None], float] | None,
) -> dict[str, Any]:
    features = [feature for feature, _ in spans.values()]
    codes = any(feature is not None and feature.HasField("string_stats") for feature in features)
    missing = [1 - _present(feature) / rows if rows else 0.0 for feature, rows in spans.values()]
    counted = count_new_values(features) if codes else None
    new = counted or [(0, 0.0)] * len(features)
    distances, threshold = drift or ([None] * len(features), None)
    numbers = [_describe_numbers(feature) for feature in features]
    quantiles = [one[key] for one in numbers if one for key in ("p10", "p90")]
    shown = format_year if charts.are_years(np.array(quantiles, dtype=np.float64)) else format_number
    return {
        "name": name,
        "codes": codes,
        "threshold": None if threshold is None else format_number(threshold),
        "most_drift": None
        if drift is None
        else format_number(max((one for one in distances if one is not None), default=0.0)),
        "values": _plot_values(name, list(spans), features, numbers, codes=codes),
        "drift": _plot_drift(name, list(spans), distances, threshold),
        "missing": _describe_range(missing),
        "new": None if counted is None else sum(count for count, _ in new),
        "rows": [
            {
                "span": span,
                "rows": spans[span][1],
                "missing": format_percent(missing[place]),
                "numbers": [
                    shown(numbers[place][key]) if numbers[place] else "" for key in ("mean", "p10", "median", "p90")
                ],
                "new": f"{new[place][0]} ({int(new[place][1]):,} rows)" if new[place][0] else "",
                "drift": "" if distances[place] is None else format_number(distances[place]),
                "beyond": threshold is not None and (distances[place] or 0.0) > threshold,
            }
            for place, span in enumerate(spans)
        ],
    }


def _describe_range(shares: Sequence[float]) -> str:
    low, high = format_percent(min(shares)), format_percent(max(shares))
    return low if low == high else f"{low} to {high}"


def _plot_values(
    name: str,
    spans: list[str],
    features: list[statistics_pb2.FeatureNameStatistics | None],
    numbers: list[dict[str, float]],
    *,
    codes: bool,
) -> Figure | None:
    if codes:
        totals: dict[str, float] = {}
        for feature in features:
            for value, count in _count_values(feature).items():
                totals[value] = totals.get(value, 0.0) + count
        shown = sorted(totals, key=lambda value: -totals[value])[:_TOP]
        rows = [
            {"span": span, "value": value, "share": _count_values(feature).get(value, 0.0) / max(_present(feature), 1)}
            for value in shown
            for span, feature in zip(spans, features, strict=True)
        ]
        return make_figure(f"{name}: share by span", charts.plot_span_shares(pd.DataFrame(rows))) if rows else None
    frame = pd.DataFrame([{"span": span, **of} for span, of in zip(spans, numbers, strict=True) if of])
    return make_figure(f"{name}: values by span", charts.plot_span_numbers(frame)) if len(frame) else None


def _plot_drift(name: str, spans: list[str], distances: list[float | None], threshold: float | None) -> Figure | None:
    if all(one is None for one in distances):
        return None
    rows = [{"span": span, "drift": one} for span, one in zip(spans, distances, strict=True)]
    return make_figure(f"{name}: drift by span", charts.plot_span_drift(pd.DataFrame(rows), threshold))


def _describe_numbers(feature: statistics_pb2.FeatureNameStatistics | None) -> dict[str, float]:
    """Return mean, median, 10% and 90% quantile; an empty dict if the column has no number."""
    if feature is None or not feature.HasField("num_stats") or not _present(feature):
        return {}
    numbers = feature.num_stats
    deciles = [one.buckets for one in numbers.histograms if one.type == statistics_pb2.Histogram.QUANTILES]
    if not deciles or len(deciles[0]) != _DECILES:
        return {"mean": numbers.mean, "p10": numbers.min, "median": numbers.median, "p90": numbers.max}
    return {
        "mean": numbers.mean,
        "p10": deciles[0][0].high_value,
        "median": numbers.median,
        "p90": deciles[0][-1].low_value,
    }


def _present(feature: statistics_pb2.FeatureNameStatistics | None) -> int:
    if feature is None:
        return 0
    strings = feature.HasField("string_stats")
    return int((feature.string_stats if strings else feature.num_stats).common_stats.num_non_missing)


def _count_values(feature: statistics_pb2.FeatureNameStatistics | None) -> dict[str, float]:
    if feature is None:
        return {}
    return {bucket.label: bucket.sample_count for bucket in feature.string_stats.rank_histogram.buckets}


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return feature.name or ".".join(feature.path.step)
