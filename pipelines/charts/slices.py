"""One metric slice by slice."""

import altair as alt
import pandas as pd

from pipelines.charts.theme import REFERENCE

_ROW = 22  # pixels of height
_LEAST = 66


def slices(frame: pd.DataFrame, metric: str, overall: float) -> alt.LayerChart:
    """A point a slice, with its interval; the dashed line is all rows together, a tick the model before.

    Args:
        frame: columns "slice", "rows", "value", "low", "high", and "before", NaN where there is no model before, in the
            order to show.
        metric: what the value is called.
        overall: the value of all rows.
    """
    tooltip = [
        "slice",
        alt.Tooltip("rows", format=","),
        *(alt.Tooltip(c, format=".4~g") for c in ("value", "low", "high")),
    ]
    base = alt.Chart(frame).encode(y=alt.Y("slice:N", sort=None, title=None), tooltip=tooltip)
    scale = alt.Scale(zero=False, nice=True)
    spread = base.mark_rule(opacity=0.6).encode(x=alt.X("low:Q", title=metric, scale=scale), x2="high:Q")
    points = base.mark_point(filled=True, size=55, opacity=1).encode(x=alt.X("value:Q", title=metric, scale=scale))
    before = frame[frame["before"].notna()]
    if len(before):
        tooltip.append(alt.Tooltip("before", title="blessed before", format=".4~g"))
    ticks = (
        alt.Chart(before)
        .mark_tick(thickness=2, size=14, opacity=0.7)
        .encode(
            y=alt.Y("slice:N", sort=None, title=None), x=alt.X("before:Q", title=metric, scale=scale), tooltip=tooltip
        )
    )
    line = (
        alt.Chart(pd.DataFrame({"overall": [overall]}))
        .mark_rule(style=REFERENCE)
        .encode(x=alt.X("overall:Q", title=metric))
    )
    drawn = line + spread + points + ticks if len(before) else line + spread + points
    return drawn.properties(width="container", height=max(_ROW * len(frame), _LEAST))
