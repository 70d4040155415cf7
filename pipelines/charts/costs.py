"""The cost of decisions by the threshold that they are taken at."""

from typing import Any

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
    interval = pd.DataFrame({"low": [low], "high": [high]})
    span = alt.Chart(interval).mark_rect(opacity=0.15).encode(x=alt.X("low:Q", title="threshold"), x2="high:Q")
    at_best = _mark(best, strokeWidth=2)
    in_use = _mark(now, style=REFERENCE)
    return (span + line + at_best + in_use).properties(width="container")


def _mark(threshold: float, **style: Any) -> alt.Chart:
    rule = alt.Chart(pd.DataFrame({"threshold": [threshold]})).mark_rule(**style)
    return rule.encode(x=alt.X("threshold:Q", title="threshold"))
