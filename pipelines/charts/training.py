"""How a training went, epoch by epoch."""

import altair as alt
import pandas as pd


def training_curve(history: pd.DataFrame, metric: str) -> alt.LayerChart:
    """One metric on the rows that were trained on, and on those that were held out where they were measured.

    Args:
        history: columns "epoch", `metric`, and perhaps `val_` before it.
        metric: such as "loss".
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
