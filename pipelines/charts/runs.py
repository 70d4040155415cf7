"""Chart one metric over many runs."""

import altair as alt
import pandas as pd

PUSHED, NOT_PUSHED, EXPERIMENT = "pushed", "not pushed", "experiment"
_HEIGHT = 190  # pixels


def plot_metric_over_runs(frame: pd.DataFrame, metric: str) -> alt.LayerChart:
    """Return a chart with a point and an interval per run, by time; a line joins the runs that were pushed.

    Args:
        frame: Columns "run", "started" (text), "value", "low" and "high" (NaN: not known), and "outcome" (PUSHED,
            NOT_PUSHED or EXPERIMENT), the oldest run first.
        metric: Name of the metric.
    """
    # Two runs may have started in the same minute, so the run is part of the key, but not of the axis labels.
    frame = frame.assign(key=frame["started"] + "|" + frame["run"])
    angle = -40 if len(frame) > 3 else 0
    axis = alt.Axis(title=None, labelAngle=angle, labelOverlap=True, labelExpr="split(datum.label, '|')[0]")
    tooltip = [
        "run",
        "started",
        "outcome",
        *(alt.Tooltip(f"{name}:Q", format=".4~g") for name in ("value", "low", "high")),
    ]
    base = alt.Chart(frame).encode(x=alt.X("key:N", sort=list(frame["key"]), axis=axis), tooltip=tooltip)
    scale = alt.Scale(zero=False, nice=True)
    kinds = [kind for kind in (PUSHED, NOT_PUSHED, EXPERIMENT) if (frame["outcome"] == kind).any()]
    color = alt.Color("outcome:N", sort=kinds)
    pushed = base.transform_filter(alt.datum.outcome == PUSHED)
    return alt.layer(
        pushed.mark_line(opacity=0.5).encode(y=alt.Y("value:Q", title=metric, scale=scale)),
        base.mark_rule(opacity=0.5).encode(y=alt.Y("low:Q", title=metric, scale=scale), y2="high:Q", color=color),
        base.mark_point(filled=True, size=60, opacity=1).encode(
            y=alt.Y("value:Q", title=metric, scale=scale), color=color
        ),
    ).properties(width="container", height=_HEIGHT)
