"""Chart columns and metrics over spans: a column's values, its drift, and metrics of several series of models."""

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import REFERENCE
from pipelines.charts.years import are_years

_HEIGHT, _LINES_HEIGHT = 120, 200  # pixels


def plot_span_numbers(frame: pd.DataFrame) -> alt.LayerChart:
    """Return a chart with the median of each span, the mean as points, and a band between the 10% and 90% quantiles.

    Args:
        frame: Columns "span", "p10", "median", "p90" and "mean"; NaN for a span without a value.
    """
    base = _base(frame, ["mean", "p10", "median", "p90"])
    scale = alt.Scale(zero=False)
    years = are_years(frame[["p10", "p90"]].to_numpy(np.float64).ravel())
    axis = alt.Axis(format="d" if years else alt.Undefined)
    return alt.layer(
        base.mark_area(opacity=0.2, line=False).encode(
            y=alt.Y("p10:Q", title=None, scale=scale, axis=axis), y2="p90:Q"
        ),
        base.mark_line().encode(y=alt.Y("median:Q", scale=scale)),
        base.mark_point(filled=True, size=22, opacity=1).encode(y=alt.Y("mean:Q", scale=scale)),
    ).properties(width="container", height=_HEIGHT)


def plot_span_shares(frame: pd.DataFrame) -> alt.Chart:
    """Return a chart of the share of each value over the spans.

    Args:
        frame: Columns "span", "value" and "share" (0 to 1), the most frequent value first.
    """
    values = list(dict.fromkeys(frame["value"]))
    return (
        _base(frame, ["value", alt.Tooltip("share", format=".1%")])
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=4)),
            color=alt.Color("value:N", sort=values, legend=alt.Legend(columns=2, labelLimit=105)),
        )
        .properties(width="container", height=_HEIGHT)
    )


def plot_span_drift(frame: pd.DataFrame, threshold: float | None) -> alt.LayerChart:
    """Return a chart with the drift of each span as bars, and its threshold as a dashed line.

    Args:
        frame: Columns "span" and "drift", NaN for the first span.
        threshold: The largest allowed drift; None for no line.
    """
    bars = _base(frame, [alt.Tooltip("drift", format=".3f")]).mark_bar().encode(y=alt.Y("drift:Q", title=None))
    if threshold is None:
        return alt.layer(bars).properties(width="container", height=_HEIGHT)
    rule = alt.Chart(pd.DataFrame({"threshold": [threshold]})).mark_rule(style=REFERENCE).encode(y="threshold:Q")
    return (bars + rule).properties(width="container", height=_HEIGHT)


def plot_span_lines(frame: pd.DataFrame, metric: str, reference: float | None = None) -> alt.LayerChart:
    """Return a chart of a metric over the spans, with one line and its intervals per series of models.

    Args:
        frame: Columns "span", "line" (name of the series), "value", "low" and "high"; NaN if not known.
        metric: Name of the metric.
        reference: Value of a dashed line to compare with; None for no line.
    """
    lines = list(dict.fromkeys(frame["line"]))
    figures = [alt.Tooltip(f"{name}:Q", format=".4f") for name in ("value", "low", "high")]
    base = _base(frame, ["line", *figures]).encode(
        color=alt.Color("line:N", sort=lines, legend=alt.Legend(title=None)),
        xOffset=alt.XOffset("line:N", sort=lines, scale=alt.Scale(paddingInner=0.6, paddingOuter=1)),
    )
    value = alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False))
    layers = [
        base.mark_rule(opacity=0.45).encode(y=alt.Y("low:Q", title=metric, scale=alt.Scale(zero=False)), y2="high:Q"),
        base.mark_line(opacity=0.8).encode(y=value),
        base.mark_point(filled=True, size=34, opacity=1).encode(y=value),
    ]
    if reference is not None:
        rule = alt.Chart(pd.DataFrame({"reference": [reference]})).mark_rule(style=REFERENCE)
        layers.insert(0, rule.encode(y="reference:Q"))
    return alt.layer(*layers).properties(width="container", height=_LINES_HEIGHT)


def plot_span_parts(frame: pd.DataFrame) -> alt.Chart:
    """Return a chart of the parts of each span, as stacked bars.

    Args:
        frame: Columns "span", "part" and "share" (0 to 1), the parts in the order to stack.
    """
    parts = list(dict.fromkeys(frame["part"]))
    return (
        _base(frame, ["part", alt.Tooltip("share", format=".1%")])
        .mark_bar()
        .encode(
            y=alt.Y("share:Q", title=None, axis=alt.Axis(format=".0%", tickCount=4)),
            color=alt.Color("part:N", sort=parts, legend=alt.Legend(title=None, columns=4)),
            order=alt.Order("place:Q"),
        )
        .transform_calculate(place=f"indexof({parts!r}, datum.part)")
        .properties(width="container", height=_LINES_HEIGHT)
    )


def _base(frame: pd.DataFrame, tooltip: list[str | alt.Tooltip]) -> alt.Chart:
    spans = list(dict.fromkeys(frame["span"]))
    axis = alt.Axis(title=None, labelAngle=-90 if len(spans) > 6 else 0, labelOverlap=True)
    return alt.Chart(frame).encode(x=alt.X("span:N", sort=spans, axis=axis), tooltip=["span", *tooltip])
