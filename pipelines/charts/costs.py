"""The cost of decisions by the threshold that they are taken at."""

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import REFERENCE


def plot_costs(
    thresholds: np.ndarray, costs: np.ndarray, best: float, low: float, high: float, now: float
) -> alt.LayerChart:
    """Plot the mean cost of a decision at each threshold.

    Args:
        thresholds: [thresholds], 0 to 1.
        costs: [thresholds], in the unit of the costs.
        best: the threshold that costs least.
        low: of its interval.
        high: of its interval.
        now: the threshold in use.
    """
    frame = pd.DataFrame({"threshold": thresholds, "cost": costs})
    line = (
        alt.Chart(frame)
        .mark_line()
        .encode(
            x=alt.X("threshold:Q", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("cost:Q", title="mean cost of a decision"),
            tooltip=[alt.Tooltip("threshold", format=".3~g"), alt.Tooltip("cost", format=".4~g")],
        )
    )
    span = (
        alt.Chart(pd.DataFrame({"low": [low], "high": [high]})).mark_rect(opacity=0.15).encode(x="low:Q", x2="high:Q")
    )
    at_best = alt.Chart(pd.DataFrame({"best": [best]})).mark_rule(strokeWidth=2).encode(x="best:Q")
    in_use = alt.Chart(pd.DataFrame({"now": [now]})).mark_rule(style=REFERENCE).encode(x="now:Q")
    return (span + line + at_best + in_use).properties(width="container")
