"""Chart a column's distribution in several sets of rows."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd
from pandas.api import types
from tensorflow_metadata.proto.v0 import statistics_pb2

from pipelines.charts.axes import make_date_axis, make_number_axis

_BINS = (6, 24)  # at least, at most; between them the square root of the number of values
TOP_VALUES = 8  # values of a category that are shown; the others are added up
_CODES = 40  # whole numbers whose range is at most this have a bin each
_TAIL = 0.005  # share of the values on either side that the outermost bins include, so that a few do not widen the axis
_HEIGHT = 130  # pixels
_VALUE_HEIGHT = 20
_FEW_DAYS = 10  # dates of fewer days are drawn by the hour
OTHERS = "(others)"


def make_distribution_frame(
    columns: Mapping[str, pd.Series],
    known: Mapping[str, statistics_pb2.FeatureNameStatistics] | None = None,
    *,
    codes: bool = False,
) -> pd.DataFrame:
    """Compute the shares of one column's values among the rows that have one, for `plot_distribution`.

    Args:
        columns: Name of a set of rows -> its column; the first set determines the bins, or the values to show. Dates
            have the dtype datetime64.
        known: Name of a set of rows -> its statistics, for sets without rows. Those of dates are of numbers, in days
            since 1970.
        codes: Whether numbers are codes, which have no order.

    Returns:
        For strings and codes, columns "rows", "value" and "share"; for numbers and dates "rows", "from", "to" and
        "share", where the outermost bins include all values beyond them. "rows" is the name of the set. Empty if the
        first set has no value.
    """
    present = {name: column.dropna() for name, column in columns.items() if column.notna().any()}
    first = columns[next(iter(columns))].dropna()
    if not len(first):
        return pd.DataFrame(columns=["rows", "value", "share"])
    if types.is_datetime64_dtype(first.dtype):
        return _bin_dates(present, known or {})
    if types.is_numeric_dtype(first.dtype) and not codes:
        return _bin_numbers({name: column.to_numpy(np.float64) for name, column in present.items()}, known or {})
    return _count_strings({name: column.astype(str) for name, column in present.items()}, known or {})


def plot_distribution(frame: pd.DataFrame) -> alt.Chart:
    """Return a chart of the shares, with the sets of rows in one plot.

    Args:
        frame: The table of make_distribution_frame.
    """
    sets = list(dict.fromkeys(frame["rows"]))
    color = alt.Color("rows:N", sort=sets, legend=None)
    share = alt.Tooltip("share", format=".2%")
    if "value" in frame:
        return (
            _plot_bars(frame, sets).encode(color=color, tooltip=["rows", "value", share]).properties(width="container")
        )
    last = frame.groupby("rows", sort=False).tail(1)
    steps = pd.concat([frame, last.assign(**{"from": last["to"]})])
    if types.is_datetime64_dtype(frame["from"].dtype):
        x = alt.X("from:T", title=None, scale=alt.Scale(nice=False), axis=make_date_axis(steps["from"]))
        tooltip = [alt.Tooltip(f"{name}:T", format="%Y-%m-%d %H:%M") for name in ("from", "to")]
    else:
        edges = steps["from"].to_numpy(np.float64)
        whole = not (np.diff(edges) % 1).any()  # whole numbers have bins whose edges are half-way between them
        axis = make_number_axis(np.ceil(edges) if whole else edges)
        x = alt.X("from:Q", title=None, scale=alt.Scale(zero=False, nice=False), axis=axis)
        tooltip = [alt.Tooltip(f"{name}:Q", format=".6~g") for name in ("from", "to")]
    return (
        alt.Chart(steps)
        .mark_area(interpolate="step-after", fillOpacity=0.15, line={"strokeWidth": 1.5})
        .encode(
            x=x,
            y=alt.Y("share:Q", title=None, stack=None, axis=alt.Axis(format=".0%", tickCount=3)),
            color=color,
            tooltip=["rows", *tooltip, share],
        )
        .properties(width="container", height=_HEIGHT)
    )


def _plot_bars(frame: pd.DataFrame, sets: list[str]) -> alt.Chart:
    values = list(dict.fromkeys(frame["value"]))
    return (
        alt.Chart(frame)
        .mark_bar()
        .encode(
            y=alt.Y("value:N", sort=values, title=None, axis=alt.Axis(labelLimit=130, labelFontSize=11)),
            x=alt.X("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=4)),
            yOffset=alt.YOffset("rows:N", sort=sets),
        )
        .properties(height=max(_HEIGHT, _VALUE_HEIGHT * len(values)))
    )


def _count_strings(
    columns: Mapping[str, pd.Series], known: Mapping[str, statistics_pb2.FeatureNameStatistics]
) -> pd.DataFrame:
    shares = {name: column.value_counts(normalize=True).to_dict() for name, column in columns.items()}
    for name, statistics in known.items():
        present = max(int(statistics.string_stats.common_stats.num_non_missing), 1)
        buckets = statistics.string_stats.rank_histogram.buckets
        shares[name] = {bucket.label: bucket.sample_count / present for bucket in buckets}
    shown = list(next(iter(shares.values())))[:TOP_VALUES]
    rows = [(name, value, of.get(value, 0.0)) for name, of in shares.items() for value in shown]
    rest = OTHERS
    while rest in shown:  # the column has this value itself
        rest = f"({rest})"
    others = [(name, rest, 1 - sum(of.get(value, 0.0) for value in shown)) for name, of in shares.items()]
    if any(share > 1e-9 for _, _, share in others):
        rows += [(name, value, max(share, 0.0)) for name, value, share in others]
    return pd.DataFrame(rows, columns=["rows", "value", "share"])


def _bin_numbers(
    columns: Mapping[str, np.ndarray], known: Mapping[str, statistics_pb2.FeatureNameStatistics]
) -> pd.DataFrame:
    edges = _choose_edges(next(iter(columns.values())))
    below = {
        name: np.searchsorted(np.sort(values), edges[1:-1]) / max(len(values), 1) for name, values in columns.items()
    }
    below |= {name: _estimate_share_below(statistics, edges[1:-1]) for name, statistics in known.items()}
    frames = [
        pd.DataFrame({"rows": name, "from": edges[:-1], "to": edges[1:], "share": np.diff(np.r_[0.0, inner, 1.0])})
        for name, inner in below.items()
    ]
    return pd.concat(frames, ignore_index=True)


def _bin_dates(
    columns: Mapping[str, pd.Series], known: Mapping[str, statistics_pb2.FeatureNameStatistics]
) -> pd.DataFrame:
    """Compute the shares of periods of equal length: whole days, or parts of a day if the dates span few days."""
    days = {
        name: ((column - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy(np.float64)
        for name, column in columns.items()
    }
    by_day = np.ptp(next(iter(days.values()))) >= _FEW_DAYS
    if by_day:
        days = {name: np.floor(values) for name, values in days.items()}
    frame = _bin_numbers(days, known)
    edges = {name: pd.to_datetime(frame[name] + (0.5 if by_day else 0), unit="D") for name in ("from", "to")}
    return frame.assign(**edges)


def _choose_edges(values: np.ndarray) -> np.ndarray:
    """Choose the edges of the bins: half-way between whole numbers, if all values are whole."""
    low, high = np.quantile(values, [_TAIL, 1 - _TAIL])
    bins = int(np.clip(np.sqrt(len(values)), _BINS[0], _BINS[1]))
    if not np.array_equal(values, values.round()):
        return np.linspace(low, high if high > low else low + 1, bins + 1)
    if np.ptp(values) <= _CODES:
        low, high, bins = values.min(), values.max(), _CODES + 1
    # Bins of equally many possible values, such as whole minutes in seconds: otherwise the distribution looks jagged.
    unit = max(float(np.gcd.reduce((values - values[0]).astype(np.int64))), 1.0)
    low = values[0] + unit * np.floor((low - values[0]) / unit)
    width = unit * max(np.ceil((high - low + unit) / unit / bins), 1.0)
    return np.arange(low - unit / 2, high + width, width)


def _estimate_share_below(statistics: statistics_pb2.FeatureNameStatistics, edges: np.ndarray) -> np.ndarray:
    """Estimate the share of values below each edge, on the assumption that values are uniform between deciles."""
    deciles = [one for one in statistics.num_stats.histograms if one.type == statistics_pb2.Histogram.QUANTILES]
    if not deciles or not deciles[0].buckets:
        return np.zeros(len(edges))
    buckets = deciles[0].buckets
    counts = np.cumsum([bucket.sample_count for bucket in buckets])
    borders = np.r_[buckets[0].low_value, [bucket.high_value for bucket in buckets]]
    return np.interp(edges, borders, np.r_[0.0, counts / counts[-1]])
