"""Charts of one column over spans: its values, and how far each span is from the one before."""

import altair as alt
import pandas as pd

from pipelines.charts.theme import REFERENCE

_HEIGHT = 120  # pixels


def plot_span_numbers(frame: pd.DataFrame) -> alt.LayerChart:
    """Plots the median of each span, its mean as points, and a band from the 10% quantile to the 90% one.

    Args:
        frame: columns "span", "p10", "median", "p90" and "mean"; NaN for a span without a value.
    """
    base = _base(frame, ["mean", "p10", "median", "p90"])
    scale = alt.Scale(zero=False)
    return alt.layer(
        base.mark_area(opacity=0.2, line=False).encode(y=alt.Y("p10:Q", title=None, scale=scale), y2="p90:Q"),
        base.mark_line().encode(y=alt.Y("median:Q", scale=scale)),
        base.mark_point(filled=True, size=22, opacity=1).encode(y=alt.Y("mean:Q", scale=scale)),
    ).properties(width="container", height=_HEIGHT)


def plot_span_shares(frame: pd.DataFrame) -> alt.Chart:
    """Plots the share of each value over the spans.

    Args:
        frame: columns "span", "value" and "share", 0 to 1, the most frequent value first.
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
    """Plots a figure of each span as bars; a dashed line is its threshold.

    Args:
        frame: columns "span" and "drift", NaN for the first span.
        threshold: what a span may reach; None: there is none.
    """
    bars = _base(frame, [alt.Tooltip("drift", format=".3f")]).mark_bar().encode(y=alt.Y("drift:Q", title=None))
    if threshold is None:
        return alt.layer(bars).properties(width="container", height=_HEIGHT)
    rule = alt.Chart(pd.DataFrame({"threshold": [threshold]})).mark_rule(style=REFERENCE).encode(y="threshold:Q")
    return (bars + rule).properties(width="container", height=_HEIGHT)


def _base(frame: pd.DataFrame, tooltip: list[str | alt.Tooltip]) -> alt.Chart:
    spans = list(dict.fromkeys(frame["span"]))
    axis = alt.Axis(title=None, labelAngle=-90 if len(spans) > 6 else 0, labelOverlap=True)
    return alt.Chart(frame).encode(x=alt.X("span:N", sort=spans, axis=axis), tooltip=["span", *tooltip])
