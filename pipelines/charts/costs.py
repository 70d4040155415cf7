"""Chart the cost of decisions by threshold."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from pipelines.charts.theme import REFERENCE


def plot_costs(
    thresholds: np.ndarray, costs: np.ndarray, best: float, low: float, high: float, now: float
) -> alt.LayerChart:
    """Return a chart of the mean cost per decision at each threshold.

    Args:
        thresholds: [thresholds], 0 to 1.
        costs: Mean cost at each threshold, [thresholds].
        best: The cheapest threshold.
        low: Lower end of its interval.
        high: Upper end of its interval.
        now: The threshold in use.
    """
    frame = pd.DataFrame({"threshold": thresholds, "cost": costs})
    line = (
        alt.Chart(frame)
        .mark_line()
        .encode(
            x=alt.X("threshold:Q", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("cost:Q", title="mean cost per decision"),
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
