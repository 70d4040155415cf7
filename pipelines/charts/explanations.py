"""Chart explanations of a model: importance of columns, and effects of their values."""

from typing import Literal

import altair as alt
import numpy as np
import pandas as pd
from pandas.api import types

from pipelines.charts.axes import make_date_axis, make_number_axis
from pipelines.charts.theme import REFERENCE

_ROW = 22  # pixels of height
_LEAST = 66
_HEIGHT = 170
_MOST_OUTPUTS = 6  # classes that can be told apart by colour


def plot_importance(frame: pd.DataFrame, loss: str) -> alt.LayerChart:
    """Return a chart with a bar per column, with its interval.

    Args:
        frame: Columns "column", "importance", "low", "high", in the order to show.
        loss: Name of the loss whose increase is the importance.
    """
    tooltip = ["column", *(alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("importance", "low", "high"))]
    base = alt.Chart(frame).encode(y=alt.Y("column:N", sort=None, title=None), tooltip=tooltip)
    bars = base.mark_bar(opacity=0.45, height=10).encode(x=alt.X("importance:Q", title=f"increase of {loss}"))
    spread = base.mark_rule().encode(x=alt.X("low:Q", title=f"increase of {loss}"), x2="high:Q")
    return (bars + spread).properties(width="container", height=max(_ROW * len(frame), _LEAST))


def plot_effect(frame: pd.DataFrame, column: str) -> alt.LayerChart:
    """Return a chart of the effect of a column's values, with intervals and one line per class.

    A missing value is not shown. Of more than six classes, the six that change most are shown.

    Args:
        frame: The table of Run.effects, with the names to show as "output". Values of a category have the dtype object,
            also if they are numbers; dates have the dtype datetime64.
        column: Name of the column.
    """
    ranges = frame.groupby("output", sort=False)["effect"].agg(lambda effects: effects.max() - effects.min())
    shown = ranges.nlargest(_MOST_OUTPUTS).index
    present = frame[frame["value"].notna() & frame["output"].isin(shown)]
    if types.is_datetime64_dtype(frame["value"].dtype):
        return _plot_line(present, column, make_date_axis(present["value"]), "T", "%Y-%m-%d %H:%M")
    if types.is_numeric_dtype(frame["value"].dtype):
        return _plot_numbers(_leave_out_far_ends(present), column)
    return _plot_categories(present.assign(value=present["value"].astype(str)))


def _plot_numbers(frame: pd.DataFrame, column: str) -> alt.LayerChart:
    frame = frame.astype({"value": float})
    return _plot_line(frame, column, make_number_axis(frame["value"].to_numpy()), "Q", ".6~g")


def _plot_line(
    frame: pd.DataFrame, column: str, axis: alt.Axis, kind: Literal["Q", "T"], in_tooltip: str
) -> alt.LayerChart:
    """Return a line over numbers (kind Q) or dates (kind T)."""
    scale = alt.Scale(zero=False, nice=False) if kind == "Q" else alt.Scale(nice=False)
    base = alt.Chart(frame).encode(
        x=alt.X(f"value:{kind}", title=column, scale=scale, axis=axis), color=_make_color(frame)
    )
    band = base.mark_area(line=False, opacity=0.2).encode(y=alt.Y("low:Q", title="change"), y2="high:Q")
    tooltip = [*_name_output(frame), alt.Tooltip(f"value:{kind}", format=in_tooltip), *_list_figures()]
    line = base.mark_line(point={"size": 14}).encode(y=alt.Y("effect:Q", title="change"), tooltip=tooltip)
    return (_plot_zero("y") + band + line).properties(width="container", height=_HEIGHT)


def _plot_categories(frame: pd.DataFrame) -> alt.LayerChart:
    values = list(dict.fromkeys(frame["value"]))
    outputs = list(dict.fromkeys(frame["output"]))
    base = alt.Chart(frame).encode(
        y=alt.Y("value:N", sort=values, title=None, axis=alt.Axis(labelLimit=130)),
        color=_make_color(frame),
        tooltip=[*_name_output(frame), "value", *_list_figures()],
    )
    if len(outputs) > 1:
        base = base.encode(yOffset=alt.YOffset("output:N", sort=outputs))
    spread = base.mark_rule(opacity=0.6).encode(x=alt.X("low:Q", title="change"), x2="high:Q")
    points = base.mark_point(filled=True, size=45, opacity=1).encode(x=alt.X("effect:Q", title="change"))
    height = max(_ROW * len(values) * max(1, len(outputs) / 2), _LEAST)
    return (_plot_zero("x") + spread + points).properties(width="container", height=height)


def _plot_zero(axis: str) -> alt.Chart:
    line = alt.Chart(pd.DataFrame({"zero": [0]})).mark_rule(style=REFERENCE)
    return line.encode(x="zero:Q") if axis == "x" else line.encode(y="zero:Q")


def _leave_out_far_ends(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out the first and the last value if its distance to the next is larger than the range of all others."""
    values = np.unique(frame["value"].astype(float))
    if len(values) > 3 and values[-1] - values[-2] > values[-2] - values[1]:
        values = values[:-1]
    if len(values) > 3 and values[1] - values[0] > values[-1] - values[1]:
        values = values[1:]
    return frame[frame["value"].astype(float).between(values[0], values[-1])]


def _make_color(frame: pd.DataFrame) -> alt.Color:
    outputs = list(dict.fromkeys(frame["output"]))
    return alt.Color(
        "output:N", sort=outputs, legend=alt.Legend(symbolType="stroke", symbolOpacity=1) if len(outputs) > 1 else None
    )


def _name_output(frame: pd.DataFrame) -> list[str]:
    return ["output"] if frame["output"].nunique() > 1 else []


def _list_figures() -> list[alt.Tooltip]:
    return [*(alt.Tooltip(f"{name}:Q", format=".3~g") for name in ("effect", "low", "high")), alt.Tooltip("rows:Q")]
