"""Chart one metric by epoch or by slice."""

import altair as alt
import pandas as pd

from pipelines.charts.theme import REFERENCE

_ROW = 22  # pixels of height
_LEAST = 66


def plot_training_curve(history: pd.DataFrame, metric: str) -> alt.LayerChart:
    """Return a chart of one metric by epoch, on the training rows and, if it was measured, on the held-out rows.

    Args:
        history: Columns "epoch", `metric`, and optionally `val_<metric>`.
        metric: Name of the metric, such as "loss".
    """
    names = {metric: "training rows", f"val_{metric}": "held-out rows"}
    present = [name for name in names if name in history]
    frame = history.melt("epoch", present, var_name="rows").replace({"rows": names}).dropna()
    base = alt.Chart(frame).encode(
        x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("value:Q", title=metric, scale=alt.Scale(zero=False)),
        color=alt.Color("rows:N", sort=list(names.values())),
        tooltip=["rows", "epoch", alt.Tooltip("value", title=metric, format=".4~g")],
    )
    return (base.mark_line() + base.mark_point(filled=True, size=36, opacity=1)).properties(width="container")


def plot_slices(frame: pd.DataFrame, metric: str, overall: float) -> alt.LayerChart:
    """Return a chart with a point and an interval per slice; the dashed line is all rows, a tick the previous version.

    Args:
        frame: Columns "slice", "rows", "value", "low", "high", in the order to show; optionally "before", the value of
            the previous version, NaN if there is none.
        metric: Name of the metric.
        overall: Value of the metric on all rows.
    """
    tooltip = ["slice", alt.Tooltip("rows:Q", format=","), *(_make_tooltip(name) for name in ("value", "low", "high"))]
    before = frame[frame["before"].notna()] if "before" in frame else frame[:0]
    if len(before):
        tooltip.append(_make_tooltip("before"))
    base = alt.Chart(frame).encode(y=alt.Y("slice:N", sort=None, title=None), tooltip=tooltip)
    scale = alt.Scale(zero=False, nice=True)
    layers = [
        alt.Chart(pd.DataFrame({"overall": [overall]}))
        .mark_rule(style=REFERENCE)
        .encode(x=alt.X("overall:Q", title=metric)),
        base.mark_rule(opacity=0.6).encode(x=alt.X("low:Q", title=metric, scale=scale), x2="high:Q"),
        base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("value:Q", title=metric, scale=scale)),
    ]
    if len(before):
        ticks = base.properties(data=before).mark_tick(thickness=2, size=14, opacity=0.7)
        layers.append(ticks.encode(x=alt.X("before:Q", title=metric, scale=scale)))
    return alt.layer(*layers).properties(width="container", height=max(_ROW * len(frame), _LEAST))


def _make_tooltip(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=".4~g")
